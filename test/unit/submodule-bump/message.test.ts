import { describe, expect, test } from 'vitest';
import { commitMessage, type Move, quiet } from '../../../actions/submodule-bump/message.ts';

const MOVE: Move = {
  path: 'apps/server',
  name: 'Bot Server',
  from: 'a'.repeat(40),
  to: 'b'.repeat(40),
  subjects: ['Speak TLS', 'Answer faster'],
  count: 2,
};
const TRAILERS = `Submodule-Path: apps/server\nSubmodule-From: ${MOVE.from}\nSubmodule-To: ${MOVE.to}\n`;

describe('the message', () => {
  test('has the log and one trailer for each fact', () => {
    expect(commitMessage(undefined, [MOVE], '')).toBe(
      `Update submodule apps/server: aaaaaaaaaaaa..bbbbbbbbbbbb\n\n- Speak TLS\n- Answer faster\n\n${TRAILERS}`,
    );
  });

  test('fills the template once, whatever a subject looks like', () => {
    const move = { ...MOVE, subjects: ['{run-url} {new}'], count: 30 };
    expect(commitMessage('{name} {count} {run-url} {unknown}\n{log}', [move], 'https://x/1')).toBe(
      `Bot Server 30 https://x/1 {unknown}\n- {run-url} {new}\n- … and 29 more\n\n${TRAILERS}`,
    );
  });

  test('of a first gitlink says so', () => {
    const message = commitMessage(undefined, [{ ...MOVE, from: undefined, subjects: [], count: 0 }], '');
    expect(message).toContain('Add submodule apps/server: bbbbbbbbbbbb\n');
    expect(message).toContain('Submodule-From: none\n');
  });

  test('of many is capped, its trailers are not', () => {
    const subjects = Array.from({ length: 20 }, () => 'x'.repeat(5000));
    const moves = Array.from({ length: 50 }, () => ({ ...MOVE, subjects, count: 20 }));
    const message = commitMessage(undefined, moves, '');
    expect(message.length).toBeLessThan(10_000 + 50 * TRAILERS.length + 10);
    expect(message.match(/^Submodule-To: /gm)).toHaveLength(50);
  });
});

test.each([
  '[skip ci] x',
  'x [ci skip]',
  '[no ci]',
  '[actions skip]',
  '***NO_CI***',
  'Closes #1',
  'team/gb#2',
  'see !3',
  'Fixes GH-4',
  'thanks @all',
  'https://git.example.org/team/gb/issues/1',
  'Submodule-To: evil',
  'Signed-off-by: somebody',
  'a\nb',
  'a\u001b[2Jb',
  'a\u202eb',
  ' ::set-env name=A::b',
  'x ##[add-path]/x',
])('the subject %j does nothing where it is quoted', (subject) => {
  expect(quiet(subject)).not.toMatch(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must be gone
    /\[(skip ci|ci skip|no ci|skip actions|actions skip)\]|\*\*\*NO_CI|[#!@]\w|GH-\d|https?:\/\/|^[\w-]+: |[\u0000-\u001f\u202e]|^\s*::|##\[/i,
  );
});

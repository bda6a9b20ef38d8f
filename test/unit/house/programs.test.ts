import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { filesBelow } from '../../../scripts/checks/imports.mjs';
import { shPrograms } from '../../../scripts/checks/shell.mjs';
import { shProgram, shSource } from '../../../scripts/sh-program.mjs';

const FILES = filesBelow('target', '.sh');
const PROGRAMS = shPrograms();
const SHELLS = [['dash'], ['bash', '--posix'], ['busybox', 'ash']];

const FUNCTION = /^(\w+)\(\) [{(]$/gm;
const EVERY_FUNCTION = new Set(
  FILES.flatMap((path) => [...readFileSync(path, 'utf8').matchAll(FUNCTION)].map(([, name = '']) => name)),
);

test('there are programs, and each has the last line `main`', () => {
  expect(PROGRAMS.length).toBeGreaterThan(0);
  for (const path of PROGRAMS) expect(lastLine(path), path).toMatch(/^main( "\$@")?$/);
});

test('every other file has only functions, and some program inlines it', () => {
  const inlined = new Set(PROGRAMS.flatMap((path) => [...inlinedBy(path)]));
  const shared = FILES.filter((path) => !PROGRAMS.includes(path));
  for (const path of shared) expect(lastLine(path), path).not.toBe('main');
  expect(shared.filter((path) => !inlined.has(path))).toEqual([]);
});

test('no wait goes by the clock, which may be set back meanwhile', () => {
  const waiting = FILES.filter((path) => /\/(transaction|process|health|lib)\//.test(path));
  expect(waiting.length).toBeGreaterThan(20);
  expect(
    waiting.filter((path) => /date \+%s|SECONDS/.test(readFileSync(path, 'utf8').replace(/^\s*#.*$/gm, ''))),
  ).toEqual([]);
});

test('no program has a here-document, which a stripped program would lose', () => {
  expect(FILES.filter((path) => /<<-?\s*['"\\]?[A-Za-z_]/.test(shProgram(path)))).toEqual([]);
});

describe.each(PROGRAMS)('%s', (path) => {
  test('is sent without functions that nothing in it names, and with all that it names', () => {
    const text = shProgram(path);
    const names = [...text.matchAll(/^(\w+)\(\) [{(]$/gm)].map(([, name = '']) => name);
    const words = text.match(/\w+/g) ?? [];
    expect(names.filter((name) => words.filter((word: string) => word === name).length < 2)).toEqual([]);
    const all = [...shSource(path).matchAll(/^(\w+)\(\) [{(]$/gm)].map(([, name = '']) => name);
    const left = all.filter((name) => !names.includes(name));
    expect(left.filter((name) => words.includes(name))).toEqual([]);
  });

  // shellcheck takes a function that is not there for a program of the target.
  test('calls no function of target/ that it does not include', () => {
    const text = shProgram(path);
    const defined = new Set([...text.matchAll(FUNCTION)].map(([, name]) => name));
    expect([...EVERY_FUNCTION].filter((name) => !defined.has(name) && commandsIn(text).has(name))).toEqual([]);
  });

  test.each(SHELLS)('is understood by %s', (shell, ...words) => {
    expect(() => execFileSync(shell as string, [...words, '-n'], { input: shProgram(path) })).not.toThrow();
  });
});

/** The words of a program that stand where a command may. */
function commandsIn(text: string): Set<string> {
  const words = text.matchAll(/(?:^|[;&|({!]|\b(?:then|do|else|if|elif|while|until)|\$\()\s*(\w+)(?=[\s;)]|$)(?!=)/gm);
  return new Set([...words].map(([, word = '']) => word));
}

function lastLine(path: string): string | undefined {
  return readFileSync(path, 'utf8').trimEnd().split('\n').at(-1);
}

function inlinedBy(path: string, seen = new Set<string>()): Set<string> {
  for (const [, name] of readFileSync(path, 'utf8').matchAll(/^\. (\S+\.sh)$/gm)) {
    const shared = join(dirname(path), name as string);
    if (seen.has(shared)) continue;
    seen.add(shared);
    inlinedBy(shared, seen);
  }
  return seen;
}

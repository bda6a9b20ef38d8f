import { expect, test } from 'vitest';
import { TargetError } from '../../lib/errors.ts';

const EVIL = 'x\n::set-env name=PATH::/tmp\r\u001b[2J';

test('an error shows each untrusted text where it belongs, whatever is in it', () => {
  const { message } = new TargetError({ what: EVIL, where: EVIL, why: EVIL, state: EVIL, remedy: EVIL, output: EVIL });
  const first = 'x';
  const second = '\\::set-env name=PATH::/tmp\\x0d\\x1b[2J';
  const inline = 'x\\x0a::set-env name=PATH::/tmp\\x0d\\x1b[2J';
  expect(message).toBe(
    [
      `${inline} on ${inline} failed.`,
      ...['why:    ', 'state:  ', 'do:     '].flatMap((name) => [`  ${name}${first}`, `          ${second}`]),
      `  output: | ${first}`,
      `          | ${second}`,
    ].join('\n'),
  );
});

import { expect, test } from 'vitest';
import { parseArguments, TIERS } from '../../../scripts/checks/arguments.mjs';
import { mayInstall } from '../../../scripts/checks/install.mjs';

test.each([
  ['', TIERS, undefined],
  ['--only checks,unit', ['checks', 'unit'], undefined],
  ['unit checks', ['checks', 'unit'], undefined],
  ['integration TERM', ['integration'], 'TERM'],
  ['integration e2e -t unit', ['integration', 'e2e'], 'unit'],
])('npm test -- %s runs %j, limited to %s', (words, tiers, filter) => {
  const asked = parseArguments(words.split(' ').filter((word) => word !== ''));
  expect([asked?.tiers, asked?.filter]).toEqual([tiers, filter]);
});

test.each(['--only', 'uint', '-t name', 'unit -t', 'unit one two'])('npm test -- %s is refused', (words) => {
  expect(parseArguments(words.split(' '))).toBeUndefined();
});

test.each([
  ['--install', TIERS],
  ['--install --only checks', ['checks']],
  ['unit --install', ['unit']],
])('npm test -- %s asks to install the missing packages', (words, tiers) => {
  expect(parseArguments(words.split(' '))).toMatchObject({ install: true, tiers });
});

test.each([
  [true, undefined, true],
  [false, 'true', true],
  [false, '1', true],
  [false, undefined, false],
  [false, 'false', false],
  [false, '', false],
])('with --install %s and CI=%s, packages are installed: %s', (install, CI, installs) => {
  expect(mayInstall({ install }, { CI })).toBe(installs);
});

test('an empty filter is refused, which would limit nothing', () => {
  expect(parseArguments(['unit', ''])).toBeUndefined();
});

import { expect, test } from 'vitest';
import { parseArguments, TIERS } from '../../../scripts/checks/arguments.mjs';

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

test('an empty filter is refused, which would limit nothing', () => {
  expect(parseArguments(['unit', ''])).toBeUndefined();
});

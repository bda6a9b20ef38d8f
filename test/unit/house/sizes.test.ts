import { expect, test } from 'vitest';
import { measured, notYet } from '../../../scripts/checks/not-yet.mjs';
import { shellFiles } from '../../../scripts/checks/sizes.mjs';

const [LISTED, NOW] = [notYet(), measured()];

test('there are shell files', () => expect(shellFiles().length).toBeGreaterThan(0));

test.each([
  ['file is longer than 250 lines', 'shellFileLines'],
  ['function is longer than 70 lines', 'shellFunctionLines'],
] as const)('no shell %s, except the listed ones, which may not grow', (_, rule) => {
  const listed: Record<string, number> = LISTED[rule];
  const grown = Object.entries(NOW[rule]).filter(([path, lines]) => lines > (listed[path] ?? 0));
  expect(grown).toEqual([]);
});

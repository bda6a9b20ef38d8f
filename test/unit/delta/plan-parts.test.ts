import { describe, expect, test } from 'vitest';
import { planParts } from '../../../lib/delta/plan-parts.ts';

const MIB = 2 ** 20;

test('files that fit into memory are compared whole', () => {
  expect(planParts(115 * MIB, 256 * MIB)).toEqual([
    { fresh: { begin: 0, end: 115 * MIB }, old: { begin: 0, end: 256 * MIB } },
  ]);
});

test('an empty file has no parts', () => {
  expect(planParts(0, 1000)).toEqual([]);
});

describe.each([
  [1024, 1020],
  [1024, 257],
  [300, 1500],
  [2000, 2000],
])('%i MiB compared with %i MiB', (fresh, old) => {
  const parts = planParts(fresh * MIB + 1, old * MIB + 3);

  test('are covered without a gap', () => {
    expect(parts.map((part) => part.fresh.begin)).toEqual([0, ...parts.slice(0, -1).map((part) => part.fresh.end)]);
    expect(parts.at(-1)?.fresh.end).toBe(fresh * MIB + 1);
  });

  test('in parts of bounded size that lie in the old file', () => {
    for (const part of parts) {
      expect(part.old.end - part.old.begin).toBe(256 * MIB);
      expect(part.old.begin).toBeGreaterThanOrEqual(0);
      expect(part.old.end).toBeLessThanOrEqual(old * MIB + 3);
    }
  });
});

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { inParallel } from '../../lib/parallel.ts';

const ITEMS = ['a', 'b', 'c', 'd', 'e'];

test.each([1, 2, 5, 9])('works on all in order, never more than %i at a time', async (limit) => {
  const started: string[] = [];
  let now = 0;
  let most = 0;
  await inParallel(ITEMS, { limit, stopped: () => false }, async (item) => {
    started.push(item);
    now += 1;
    most = Math.max(most, now);
    await sleep(2);
    now -= 1;
  });
  expect(started).toEqual(ITEMS);
  expect(most).toBe(Math.min(limit, ITEMS.length));
});

test('starts nothing more once it is stopped, and waits for what it has started', async () => {
  const ended: number[] = [];
  let stopped = false;
  await inParallel(ITEMS, { limit: 2, stopped: () => stopped }, async (_, index) => {
    stopped = index === 1;
    await sleep(5);
    ended.push(index);
  });
  expect(ended).toEqual([0, 1]);
});

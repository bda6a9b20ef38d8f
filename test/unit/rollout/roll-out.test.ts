import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Policy } from '../../../lib/rollout/decide.ts';
import { type Rollout, rollOut } from '../../../lib/rollout/roll-out.ts';

const POLICY: Policy = { canary: 0, atATime: 1, inBatches: false, maxFailures: 0, skipsUnreachable: false };

test.each([1, 2, 5, 9])('starts all targets in order, never more than %i at a time', async (atATime) => {
  const started: number[] = [];
  let now = 0;
  let most = 0;
  const stopped = await rollOut(5, rollout({ atATime }), async (target) => {
    started.push(target);
    now += 1;
    most = Math.max(most, now);
    await sleep(2);
    now -= 1;
    return 'proved';
  });
  expect(stopped).toBeUndefined();
  expect(started).toEqual([0, 1, 2, 3, 4]);
  expect(most).toBe(Math.min(atATime, 5));
});

test('after a failure no more targets are started, and the running ones finish', async () => {
  const ended: number[] = [];
  const stopped = await rollOut(5, rollout({ atATime: 2 }), async (target) => {
    await sleep(target === 1 ? 1 : 8);
    ended.push(target);
    return target === 1 ? 'failed' : 'proved';
  });
  expect(ended).toEqual([1, 0]);
  expect(stopped).toBe('another target failed');
});

test('an unexpected error stops the rollout, and is thrown after the running targets have finished', async () => {
  const ended: number[] = [];
  const all = rollOut(5, rollout({ atATime: 2 }), async (target) => {
    if (target === 1) throw new Error('the disk is gone');
    await sleep(5);
    ended.push(target);
    return 'proved';
  });
  await expect(all).rejects.toThrow('the disk is gone');
  expect(ended).toEqual([0]);
});

test('a cancelled step starts no more targets, also during a pause', async () => {
  const cancelled = new AbortController();
  const started: number[] = [];
  const parts = { ...rollout({ inBatches: true }), pauseSeconds: 3600, signal: cancelled.signal };
  const stopped = await rollOut(3, { ...parts, onPause: () => cancelled.abort() }, async (target) => {
    started.push(target);
    return 'proved';
  });
  expect(started).toEqual([0]);
  expect(stopped).toBe('the step was cancelled');
});

test('the pause is between batches, not before the first and not after the last', async () => {
  const pauses: number[] = [];
  const parts = rollout({ inBatches: true, atATime: 2, canary: 1 });
  const onPause: Rollout['onPause'] = (progress) => pauses.push(progress.filter((one) => one === 'proved').length);
  await rollOut(5, { ...parts, pauseSeconds: 0.001, onPause }, async () => 'proved');
  expect(pauses).toEqual([1, 3]);
});

function rollout(policy: Partial<Policy>): Rollout {
  return { policy: { ...POLICY, ...policy }, pauseSeconds: 0, signal: new AbortController().signal, onPause() {} };
}

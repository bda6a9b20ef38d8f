import { expect, test } from 'vitest';
import { type Decision, decide, type Policy, type Progress } from '../../../lib/rollout/decide.ts';
import { pick, type Random, randomOf } from '../../support/random.ts';

const POLICY: Policy = { canary: 0, atATime: 2, inBatches: false, maxFailures: 0, skipsUnreachable: false };
const LETTERS: Record<string, Progress> = {
  '.': 'waiting',
  w: 'running',
  p: 'proved',
  f: 'failed',
  u: 'unreachable',
};

const start = (...targets: number[]): Decision => ({ does: 'start', targets, afterPause: false });
const afterPause = (...targets: number[]): Decision => ({ does: 'start', targets, afterPause: true });
const wait: Decision = { does: 'wait' };
const stop = (because?: string): Decision => (because === undefined ? { does: 'stop' } : { does: 'stop', because });

// Each row: progress so far, what differs from POLICY, what is decided.
test.each<[string, Partial<Policy>, Decision]>([
  ['....', {}, start(0, 1)],
  ['w...', {}, start(1)],
  ['ww..', {}, wait],
  ['pw..', {}, start(2)],
  ['pppw', {}, wait],
  ['pppp', {}, stop()],
  ['pf..', {}, stop('another target failed')],
  ['pu..', {}, stop('another target failed')],
  ['fw..', {}, stop('another target failed')],
  ['fw..', { maxFailures: 1 }, start(2)],
  ['ff..', { maxFailures: 1 }, stop('2 targets failed, more than max-failures (1)')],
  ['fu..', { maxFailures: 1 }, stop('2 targets failed, more than max-failures (1)')],
  ['fu..', { maxFailures: 1, skipsUnreachable: true }, start(2, 3)],
  ['uu..', { skipsUnreachable: true }, start(2, 3)],
  // In batches.
  ['pw..', { inBatches: true }, wait],
  ['pp..', { inBatches: true }, afterPause(2, 3)],
  ['uu..', { inBatches: true, skipsUnreachable: true }, start(2, 3)],
  // Canaries are alone, and any that fails ends it.
  ['....', { canary: 1 }, start(0)],
  ['w...', { canary: 1 }, wait],
  ['p...', { canary: 1 }, afterPause(1, 2)],
  ['pw..', { canary: 1 }, start(2)],
  ['pp..', { canary: 1 }, start(2, 3)],
  ['f...', { canary: 1, maxFailures: 9 }, stop('a canary failed')],
  ['pf..', { canary: 3, maxFailures: 9 }, stop('a canary failed')],
  ['u...', { canary: 1, maxFailures: 9 }, stop('a canary failed')],
  ['pf..', { canary: 1, maxFailures: 1 }, start(2, 3)],
  // More canaries than may be at work at once.
  ['......', { canary: 3 }, start(0, 1)],
  ['pw....', { canary: 3 }, start(2)],
  ['ppw...', { canary: 3 }, wait],
  ['ppp...', { canary: 3 }, afterPause(3, 4)],
  // The next one is the canary in place of one that was skipped.
  ['u...', { canary: 1, skipsUnreachable: true }, start(1)],
  ['up..', { canary: 1, skipsUnreachable: true }, afterPause(2, 3)],
  ['uuuu', { canary: 1, skipsUnreachable: true }, stop()],
])('%s with %o', (progress, policy, decision) => {
  const targets = [...progress].map((letter) => LETTERS[letter] as Progress);
  expect(decide(targets, { ...POLICY, ...policy })).toEqual(decision);
});

test('10,000 hosts with drawn failures: never too many at once, none beside a canary, none after too many failures', () => {
  const random = randomOf(2026);
  for (const inBatches of [true, false]) {
    for (const maxFailures of [0, 10_000]) {
      const skipsUnreachable = pick(random, [true, false]);
      simulate({ canary: 50, atATime: 500, inBatches, maxFailures, skipsUnreachable }, random);
    }
  }
});

/** Runs one rollout to its end, each target ending when and as it is drawn, and holds the rules at every step. */
function simulate(policy: Policy, random: Random) {
  const targets = Array.from({ length: 10_000 }, (): Progress => 'waiting');
  const count = (progress: Progress) => targets.filter((one) => one === progress).length;
  const failures = () => count('failed') + (policy.skipsUnreachable ? 0 : count('unreachable'));
  const running: number[] = [];
  let started = 0;
  for (;;) {
    const decision = decide(targets, policy);
    if (decision.does === 'stop') break;
    if (decision.does === 'wait') {
      expect(running.length).toBeGreaterThan(0);
      const many = Math.ceil(random() * running.length);
      const from = Math.floor(random() * (running.length - many + 1));
      for (const ending of running.splice(from, many)) targets[ending] = drawnEnd(random);
      continue;
    }
    expect(decision.targets.length).toBeGreaterThan(0);
    expect(failures()).toBeLessThanOrEqual(policy.maxFailures);
    if (policy.inBatches && count('proved') >= policy.canary) expect(running).toEqual([]);
    for (const target of decision.targets) {
      expect(target).toBe(started);
      started += 1;
      targets[target] = 'running';
      running.push(target);
    }
    expect(running.length).toBeLessThanOrEqual(policy.atATime);
    if (count('proved') < policy.canary) {
      expect(running.length + count('proved')).toBeLessThanOrEqual(policy.canary);
      expect(failures()).toBe(0);
    }
  }
  const isStopped = failures() > (count('proved') < policy.canary ? 0 : policy.maxFailures);
  if (!isStopped) expect([count('waiting'), running]).toEqual([0, []]);
}

function drawnEnd(random: Random): Progress {
  const drawn = random();
  if (drawn < 0.001) return 'failed';
  return drawn < 0.003 ? 'unreachable' : 'proved';
}

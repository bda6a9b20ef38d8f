/** How far the rollout is on one target; `failed` is any red result, also where nothing was changed. */
export type Progress = 'waiting' | 'running' | 'proved' | 'failed' | 'unreachable';

/** How a rollout over several targets continues, and when it stops. */
export interface Policy {
  /** Targets that are deployed first, and alone: the others only after these were proved. */
  canary: number;
  /** The most targets at the same time. */
  atATime: number;
  /** The next targets start only after the whole batch before has finished. */
  inBatches: boolean;
  /** Failed targets with which the rollout still continues. A failed canary always stops it. */
  maxFailures: number;
  /** A target that can't be reached is reported, and does not count as failed. */
  skipsUnreachable: boolean;
}

/** What to do next: start these targets, at once or after a pause; wait until one has finished; or stop, and why. */
export type Decision =
  | { does: 'start'; targets: readonly number[]; afterPause: boolean }
  | { does: 'wait' }
  | { does: 'stop'; because?: string };

/** What a rollout does next. Targets are named by their place in `targets`, and taken in that order. */
export function decide(targets: readonly Progress[], policy: Policy): Decision {
  const { waiting, running, proved, failed, unreachable } = counts(targets);
  if (waiting === 0) return running > 0 ? { does: 'wait' } : { does: 'stop' };
  // A target that is skipped proves nothing: the next one is the canary in its place.
  const canaries = Math.max(0, policy.canary - proved);
  const failures = failed + (policy.skipsUnreachable ? 0 : unreachable);
  if (failures > 0 && canaries > 0) return { does: 'stop', because: 'a canary failed' };
  if (failures > policy.maxFailures) return { does: 'stop', because: tooMany(failures, policy.maxFailures) };
  const opensBatch = policy.inBatches || isJustAfterCanaries(targets, policy.canary);
  if (running > 0 && opensBatch && canaries === 0) return { does: 'wait' };
  const free = (canaries > 0 ? Math.min(canaries, policy.atATime) : policy.atATime) - running;
  if (free <= 0) return { does: 'wait' };
  const next = [...targets.keys()].filter((index) => targets[index] === 'waiting').slice(0, free);
  return { does: 'start', targets: next, afterPause: opensBatch && proved > 0 && running === 0 };
}

/** Whether the canaries were proved and no other target was started since: they are the first that were proved. */
function isJustAfterCanaries(targets: readonly Progress[], canary: number): boolean {
  let proved = 0;
  const last = targets.findIndex((progress) => {
    if (progress === 'proved') proved += 1;
    return proved === canary;
  });
  return canary > 0 && last >= 0 && (targets[last + 1] ?? 'waiting') === 'waiting';
}

function counts(targets: readonly Progress[]) {
  const counted = { waiting: 0, running: 0, proved: 0, failed: 0, unreachable: 0 };
  for (const progress of targets) counted[progress] += 1;
  return counted;
}

function tooMany(failures: number, most: number): string {
  if (most === 0) return 'another target failed';
  return `${failures} targets failed, more than max-failures (${most})`;
}

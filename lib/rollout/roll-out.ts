import { setTimeout as sleep } from 'node:timers/promises';
import { decide, type Policy, type Progress } from './decide.ts';

/** What a rollout needs besides its policy. */
export interface Rollout {
  policy: Policy;
  pauseSeconds: number;
  /** Aborted: no more targets are started. */
  signal: AbortSignal;
  /** Called before each pause between two batches. */
  onPause(progress: readonly Progress[]): void;
}

/**
 * Does `work` for targets 0 to `count - 1` as the policy says; work that was started always finishes. Returns the
 * reason why some were not started. When `work` rejects, no more are started, and its error is thrown after the others have finished.
 */
export async function rollOut(
  count: number,
  { policy, pauseSeconds, signal, onPause }: Rollout,
  work: (target: number) => Promise<Exclude<Progress, 'waiting' | 'running'>>,
): Promise<string | undefined> {
  const progress = Array.from({ length: count }, (): Progress => 'waiting');
  const running = new Set<Promise<void>>();
  let error: unknown;
  const start = (target: number) => {
    progress[target] = 'running';
    const done = work(target)
      .then((end) => {
        progress[target] = end;
      })
      .catch((thrown: unknown) => {
        progress[target] = 'failed';
        error ??= thrown ?? new Error('no reason was given');
      })
      .finally(() => running.delete(done));
    running.add(done);
  };
  const goOn = async () => {
    while (error === undefined) {
      if (signal.aborted) return progress.includes('waiting') ? 'the step was cancelled' : undefined;
      const decision = decide(progress, policy);
      if (decision.does === 'stop') return decision.because;
      if (decision.does === 'wait') await Promise.race(running);
      else {
        if (decision.afterPause && pauseSeconds > 0) {
          onPause(progress);
          await sleep(pauseSeconds * 1000, undefined, { signal }).catch(() => undefined);
          if (signal.aborted) continue;
        }
        decision.targets.forEach(start);
      }
    }
    return undefined;
  };
  const because = await goOn();
  await Promise.all(running);
  if (error !== undefined) throw error;
  return because;
}

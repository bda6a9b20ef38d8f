import { setTimeout as sleep } from 'node:timers/promises';
import type { ActionContext } from '../action/action.ts';
import { ForgejoError } from '../errors.ts';
import type { Forge } from './client.ts';
import type { WorkflowRun } from './parse-run.ts';
import { readRunById } from './runs.ts';

/** How a run is followed. */
export interface Following {
  forge: Forge;
  timeoutSeconds: number;
  context: ActionContext;
  /** What is true whatever the run does: part of the message when it does not end. */
  state: string;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
const PROGRESS_SECONDS = 15;
/** The run that is waited for may be the one that brings a new version of the forge. */
const FORGE_AWAY_SECONDS = 300;
/** So long a run may wait for a runner without a word about it. */
const NO_RUNNER_SECONDS = 14;
const NO_RUNNER =
  'if this job occupies the only suitable runner, neither can finish: give that runner a capacity of 2, or leave `wait` out';

/** Follows a run to its end, at most `timeoutSeconds` from `startedAt` on. Throws a ForgejoError when it does not end by then. */
export async function untilEnded(started: WorkflowRun, startedAt: number, following: Following): Promise<WorkflowRun> {
  const { forge, timeoutSeconds, context } = following;
  const { log, signal } = context;
  log.line(`Waiting for run ${nameOf(started)} to finish, at most ${timeoutSeconds} s`);
  let [told, toldAt, isHinted] = ['', 0, false];
  for (let pause = FIRST_PAUSE_MS; ; pause = longer(pause)) {
    const run = await readRunById(forge, started.id, FORGE_AWAY_SECONDS);
    const seconds = (Date.now() - startedAt) / 1000;
    if (run.status !== told || Date.now() - toldAt >= PROGRESS_SECONDS * 1000) {
      log.line(`  ${run.status.padEnd(10)} after ${seconds.toFixed(0)} s`);
      [told, toldAt] = [run.status, Date.now()];
    }
    if (run.ended) return run;
    if (run.status === 'waiting' && seconds > NO_RUNNER_SECONDS && !isHinted) {
      log.line(`  no runner has taken it yet: ${NO_RUNNER}`);
      isHinted = true;
    }
    if (seconds > timeoutSeconds || signal.aborted) throw notEnded(run, following);
    const left = startedAt + timeoutSeconds * 1000 + 1 - Date.now();
    const untilTold = toldAt + PROGRESS_SECONDS * 1000 - Date.now();
    await sleep(Math.max(1, Math.min(pause, left, untilTold)), undefined, { signal }).catch(() => undefined);
  }
}

function notEnded(run: WorkflowRun, { timeoutSeconds, state }: Following): ForgejoError {
  const remedy = 'open it in the browser; raise `wait-timeout-seconds` if it takes longer';
  return new ForgejoError({
    what: 'Waiting for the run',
    where: run.url || String(run.id),
    why: `it is ${run.status} and did not finish within ${timeoutSeconds} s.`,
    state,
    remedy: run.status === 'waiting' ? `${remedy}; ${NO_RUNNER}.` : `${remedy}.`,
  });
}

/** A run as people know it. */
export function nameOf({ number, id }: WorkflowRun): string {
  return String(number || id);
}

/** The next pause between two questions: short at first, since many runs are. */
export function longer(pauseMs: number): number {
  return Math.min(LONGEST_PAUSE_MS, pauseMs * 1.5);
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { ActionContext } from '../action/action.ts';
import { ForgejoError } from '../errors.ts';
import type { Forge } from './client.ts';
import type { WorkflowRun } from './parse-run.ts';
import { listRuns, readRunById } from './runs.ts';

/** How a run is followed. */
export interface Following {
  forge: Forge;
  timeoutSeconds: number;
  context: ActionContext;
  /** What is true whatever the run does: part of the message when it does not end. */
  state?: string;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
const PROGRESS_SECONDS = 15;
/** The run that is waited for may be the one that brings a new version of the forge. */
const FORGE_AWAY_SECONDS = 300;
/** So long a run may wait for a runner without a word about it; hosted ones take longer. */
const NO_RUNNER_SECONDS = { github: 120, forgejo: 14, gitea: 14 };
const WAYS_OUT = 'give that runner a capacity of 2, or leave `wait` out';

/** Follows a run to its end, at most `timeoutSeconds` from `startedAt` on. Throws a ForgejoError when it does not end by then. */
export async function untilEnded(started: WorkflowRun, startedAt: number, following: Following): Promise<WorkflowRun> {
  const { forge, timeoutSeconds, context } = following;
  const { log, signal } = context;
  log.line(`Waiting for run ${nameOf(started)} to finish, at most ${timeoutSeconds} s`);
  let [told, toldAt, isWarned] = ['', 0, false];
  for (let pause = FIRST_PAUSE_MS; ; pause = longer(pause)) {
    const run = await readRunById(forge, started.id, FORGE_AWAY_SECONDS);
    const seconds = (Date.now() - startedAt) / 1000;
    if (run.status !== told || Date.now() - toldAt >= PROGRESS_SECONDS * 1000) {
      log.line(`  ${run.status.padEnd(10)} after ${seconds.toFixed(0)} s`);
      [told, toldAt] = [run.status, Date.now()];
      if (!isWarned && run.status === 'waiting' && seconds > NO_RUNNER_SECONDS[forge.kind])
        isWarned = await explainWaiting(run, following);
    }
    if (run.ended) return run;
    if (signal.aborted) throw cancelled(run, following);
    if (seconds > timeoutSeconds) throw notEnded(run, following);
    const left = startedAt + timeoutSeconds * 1000 + 1 - Date.now();
    const untilTold = toldAt + PROGRESS_SECONDS * 1000 - Date.now();
    await sleep(Math.max(1, Math.min(pause, left, untilTold)), undefined, { signal }).catch(() => undefined);
  }
}

/** Whether nothing else holds a runner, as far as the forge says: then this job may, and is warned of it. */
async function explainWaiting(run: WorkflowRun, { forge, context }: Following): Promise<boolean> {
  const { log, run: own } = context;
  const isHere = forge.repository.toLowerCase() === own.repository.toLowerCase();
  const isOwn = ({ id, number }: WorkflowRun) => isHere && [id, number].includes(Number(/\d+$/.exec(own.url)?.[0]));
  const runs = await listRuns(forge).catch(() => undefined);
  const busy = runs?.find((other) => other.status === 'running' && other.id !== run.id && !isOwn(other));
  if (busy) {
    log.line(`  no runner has taken it yet; run ${nameOf(busy)} is in progress and may hold one`);
    return false;
  }
  log.warning(
    `No runner has taken run ${nameOf(run)} yet, and no other run of ${forge.repository} is in progress. If this job occupies the only suitable runner, neither can finish: ${WAYS_OUT}.`,
  );
  return true;
}

function cancelled(run: WorkflowRun, { state }: Following): ForgejoError {
  return new ForgejoError({
    what: 'Waiting for the run',
    where: run.url || String(run.id),
    why: `this step was cancelled. The run was not: it is ${run.status} and goes on.`,
    state,
    remedy: 'cancel that run in the browser if it is not wanted.',
  });
}

function notEnded(run: WorkflowRun, { timeoutSeconds, state }: Following): ForgejoError {
  const isWaiting = run.status === 'waiting';
  const remedy = 'open it in the browser, and raise `wait-timeout-seconds` if it takes longer';
  return new ForgejoError({
    what: 'Waiting for the run',
    where: run.url || String(run.id),
    why: `it is ${run.status} and did not finish within ${timeoutSeconds} s.`,
    state,
    remedy: isWaiting
      ? `if this job occupies the only suitable runner, ${WAYS_OUT}; otherwise ${remedy}.`
      : `${remedy}.`,
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

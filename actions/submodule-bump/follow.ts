import { setTimeout as sleep } from 'node:timers/promises';
import type { ActionContext } from '../../lib/action/action.ts';
import { ForgejoError } from '../../lib/errors.ts';
import type { Forge } from '../../lib/forge/client.ts';
import type { WorkflowRun } from '../../lib/forge/parse-run.ts';
import { listRuns, readRunById } from '../../lib/forge/runs.ts';
import type { Descends } from './descendants.ts';

/** What is followed: runs that have the pointer, which is in `rootCommit`. */
export interface Following {
  forge: Forge;
  rootCommit: string;
  branch: string;
  timeoutSeconds: number;
  context: ActionContext;
  descends: Descends;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
const PROGRESS_SECONDS = 15;
/** The run that is waited for may be the one that brings a new version of the forge. */
const FORGE_AWAY_SECONDS = 300;
/** A forge cancels a run when it makes the one of a later push. */
const LATER_RUN_SECONDS = 10;
/** So long a run may wait for a runner without a word about it. */
const NO_RUNNER_SECONDS = 14;
const NO_RUNNER =
  'if this job has the only runner that fits, neither can end: give that runner a capacity of 2, or leave `wait` out';

/**
 * Follows one run of each workflow to its end. One that did not succeed does not decide where another one of that workflow has
 * the pointer too: a forge cancels a run when somebody pushes again. Throws a ForgejoError where none succeeds.
 */
export async function follow(runs: readonly WorkflowRun[], following: Following): Promise<void> {
  const { log } = following.context;
  const startedAt = Date.now();
  for (const first of onePerWorkflow(runs)) {
    let run = await untilEnded(first, startedAt, following);
    const followed = new Set([first.id]);
    while (run.status !== 'success') {
      const other = await otherRun(run, followed, following);
      if (!other) throw ended(run, following.rootCommit);
      followed.add(other.id);
      log.line(`Run ${nameOf(run)} ended with ${run.status}; run ${nameOf(other)} has this pointer too: ${other.url}`);
      await following.context.outputs({ 'run-url': other.url });
      run = await untilEnded(other, startedAt, following);
    }
  }
}

/** Of several runs of one workflow a successful one, or one that has not ended. */
function onePerWorkflow(runs: readonly WorkflowRun[]): WorkflowRun[] {
  const chosen = new Map<string, WorkflowRun>();
  for (const run of runs) {
    // Its name is unknown of one that was just started.
    const key = run.workflow || String(run.id);
    const best = chosen.get(key);
    if (!best || rank(run) < rank(best)) chosen.set(key, run);
  }
  return [...chosen.values()];
}

function rank({ status, ended }: WorkflowRun): number {
  if (status === 'success') return 0;
  return ended ? 2 : 1;
}

async function untilEnded(started: WorkflowRun, startedAt: number, following: Following): Promise<WorkflowRun> {
  const { forge, timeoutSeconds, rootCommit, context } = following;
  const { log, signal } = context;
  log.line(`Waiting for run ${nameOf(started)} to end, at most ${timeoutSeconds} s`);
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
    if (seconds > timeoutSeconds || signal.aborted) throw notEnded(run, following, rootCommit);
    const left = startedAt + timeoutSeconds * 1000 + 1 - Date.now();
    const untilTold = toldAt + PROGRESS_SECONDS * 1000 - Date.now();
    await sleep(Math.max(1, Math.min(pause, left, untilTold)), undefined, { signal }).catch(() => undefined);
  }
}

/** Another run of that workflow with the pointer: one that succeeded, or one that has not ended. */
async function otherRun(
  run: WorkflowRun,
  followed: ReadonlySet<number>,
  { forge, rootCommit, branch, context, descends }: Following,
): Promise<WorkflowRun | undefined> {
  // Other inputs may be another deploy: what failed with these has failed.
  if (run.event === 'workflow_dispatch' && run.status === 'failure') return undefined;
  const until = Date.now() + (run.status === 'cancelled' ? LATER_RUN_SECONDS * 1000 : 0);
  for (let pause = FIRST_PAUSE_MS; ; pause = longer(pause)) {
    const listed = (await listRuns(forge)) ?? [];
    const others = listed
      .filter((one) => !followed.has(one.id) && isAlike(one, run) && (one.branch === '' || isBranch(one, branch)))
      .filter((one) => rank(one) < 2)
      .toSorted((one, other) => rank(one) - rank(other) || other.id - one.id);
    for (const one of others) if (one.commit === rootCommit || (await descends(one.commit, rootCommit))) return one;
    if (Date.now() >= until || context.signal.aborted) return undefined;
    await sleep(pause, undefined, { signal: context.signal }).catch(() => undefined);
  }
}

function isAlike(one: WorkflowRun, other: WorkflowRun): boolean {
  return one.event === other.event && one.workflow === other.workflow;
}

function isBranch({ branch }: WorkflowRun, name: string): boolean {
  return branch.replace(/^refs\/heads\//, '') === name;
}

function notEnded(run: WorkflowRun, { timeoutSeconds }: Following, rootCommit: string): ForgejoError {
  const remedy = 'open it in the browser; raise `wait-timeout-seconds` if it takes longer';
  return new ForgejoError({
    what: 'Waiting for the run',
    where: run.url || String(run.id),
    why: `it is ${run.status} and did not end within ${timeoutSeconds} s.`,
    state: pushedState(rootCommit),
    remedy: run.status === 'waiting' ? `${remedy}; ${NO_RUNNER}.` : `${remedy}.`,
  });
}

function ended({ status, url, id }: WorkflowRun, rootCommit: string): ForgejoError {
  const [why, remedy] = {
    cancelled: [
      'it was cancelled, and no run of a later push has this pointer.',
      'run this job again; to queue runs instead, set `concurrency` with `cancel-in-progress: false` there.',
    ],
    skipped: ['it was skipped: nothing of it ran.', 'check its conditions.'],
  }[status] ?? ['it failed.', 'read its log.'];
  return new ForgejoError({
    what: 'The run that was started',
    where: url || String(id),
    why: why as string,
    state: pushedState(rootCommit),
    remedy: remedy as string,
  });
}

/** What is true from the push on, whatever the run does. */
export function pushedState(rootCommit: string): string {
  return `the pointer is pushed: ${rootCommit} is in the root repository. Running this job again goes on from there.`;
}

function nameOf({ number, id }: WorkflowRun): string {
  return String(number || id);
}

/** Waits between two questions: short at first, since many runs are. */
export function longer(pauseMs: number): number {
  return Math.min(LONGEST_PAUSE_MS, pauseMs * 1.5);
}

import { setTimeout as sleep } from 'node:timers/promises';
import { ForgejoError } from '../../lib/errors.ts';
import { type Following as FollowingRun, longer, nameOf, untilEnded } from '../../lib/forge/follow-run.ts';
import { logFailedJobs } from '../../lib/forge/job-logs.ts';
import type { WorkflowRun } from '../../lib/forge/parse-run.ts';
import { isOnRef, listRuns } from '../../lib/forge/runs.ts';
import type { Descends } from './descendants.ts';

/** What is followed: runs that have the pointer, which is in `rootCommit`. */
export interface Following extends FollowingRun {
  rootCommit: string;
  branch: string;
  descends: Descends;
}

const FIRST_PAUSE_MS = 500;
/** A forge cancels a run when it makes the one of a later push. */
const LATER_RUN_SECONDS = 10;

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
      if (!other) {
        if (run.status === 'failure') await logFailedJobs(following.forge, run, following.context);
        throw ended(run, following.rootCommit);
      }
      followed.add(other.id);
      log.line(`Run ${nameOf(run)} finished as ${run.status}; run ${nameOf(other)} has this pointer too: ${other.url}`);
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
      .filter((one) => !followed.has(one.id) && isAlike(one, run) && isOnRef(one, branch))
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

function ended({ status, url, id }: WorkflowRun, rootCommit: string): ForgejoError {
  const [why, remedy] = {
    cancelled: [
      'it was cancelled, and no run of a later push has this pointer.',
      're-run this job; to queue runs instead, set `concurrency` with `cancel-in-progress: false` there.',
    ],
    skipped: ['it was skipped: none of its jobs ran.', 'check its conditions.'],
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
  return `the pointer is pushed: ${rootCommit} is in the root repository. Re-running this job continues from there.`;
}

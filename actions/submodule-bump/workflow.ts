import { setTimeout as sleep } from 'node:timers/promises';
import type { ActionContext } from '../../lib/action/action.ts';
import { Failure, ForgejoError } from '../../lib/errors.ts';
import type { Forge } from '../../lib/forge/client.ts';
import type { WorkflowRun } from '../../lib/forge/parse-run.ts';
import { dispatchWorkflow, listRuns, readRunById } from '../../lib/forge/runs.ts';
import type { BumpResult as Bumped } from './bump-context.ts';
import type { Descends } from './descendants.ts';
import type { BumpInputs } from './inputs.ts';

/** What is to be started or followed, and what was there before. */
export interface Workflow {
  forgejo: Forge;
  inputs: BumpInputs;
  /** Runs that are none of ours. */
  known: ReadonlySet<number>;
}

interface Ended {
  bumped: Bumped;
  branch: string;
  context: ActionContext;
  descends: Descends;
}

const APPEARS_SECONDS = 60;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
const PROGRESS_SECONDS = 60;
/** The run that is waited for may be the one that brings a new version of the forge. */
const FORGE_AWAY_SECONDS = 300;
/** Booleans of a dispatch arrive right from this version on. */
const BOOLEANS_SINCE = 14;

/** Before the push: can this server do what is asked? Undefined when nothing is. */
export async function prepareWorkflow(
  forgejo: Forge,
  inputs: BumpInputs,
  { log }: ActionContext,
): Promise<Workflow | undefined> {
  if (!inputs.dispatch && !inputs.wait) return undefined;
  const runs = await listRuns(forgejo);
  const version = forgejo.kind === 'github' ? '' : await forgejo.version();
  if (runs === undefined && inputs.wait) {
    throw new ForgejoError({
      what: 'Preparing wait',
      where: forgejo.repository,
      why: `this server${version ? ` (${version})` : ''} tells no runs, so none can be followed: Forgejo does from version 12 on.`,
      remedy: 'set wait: false, or upgrade the server. Nothing was pushed.',
    });
  }
  const major = Number.parseInt(version, 10);
  const flags = Object.entries(inputs.dispatchInputs).filter(([, value]) => value === 'true');
  // Gitea's own numbers begin with 1.
  if (flags.length > 0 && major > 1 && major < BOOLEANS_SINCE) {
    log.warning(
      `This server (${version}) gives a boolean input that is true to the workflow as false: make ${flags.map(([name]) => name).join(', ')} a choice of 'false' and 'true' there.`,
    );
  }
  return { forgejo, inputs, known: new Set(runs?.map(({ id }) => id)) };
}

/**
 * After the push: starts the workflow, or finds the runs that the push has started; follows them where that is asked. A job
 * that is run again finds its push done: it goes on where the first attempt ended.
 */
export async function seeThrough(workflow: Workflow, ended: Ended): Promise<void> {
  const { bumped, context } = ended;
  const isAgain = bumped.result === 'up-to-date' && context.run.attempt > 1;
  if (bumped.result !== 'pushed' && !isAgain) {
    context.log.line(`Nothing was pushed (${bumped.result}), so no run is started or waited for.`);
    return;
  }
  try {
    const runs = isAgain ? await resumedRuns(workflow, ended) : await startedRuns(workflow, ended);
    if (workflow.inputs.wait) await follow(workflow, runs, ended);
  } catch (error) {
    if (!(error instanceof Failure) || error.fields.state) throw error;
    throw new ForgejoError({ ...error.fields, state: pushedState(bumped) });
  }
}

/** What an earlier attempt has started, unless it ended badly: then, and where the server tells no runs, it is started now. */
async function resumedRuns(workflow: Workflow, ended: Ended): Promise<WorkflowRun[]> {
  const { forgejo, inputs } = workflow;
  const runs = (await listRuns(forgejo))?.filter((run) => isAbout(run, inputs.dispatch, ended.bumped)) ?? [];
  const kept = inputs.dispatch ? runs.filter((run) => !run.ended || run.status === 'success').slice(0, 1) : runs;
  if (kept.length === 0 && inputs.dispatch) return startedRuns(workflow, ended);
  const told = kept.length > 0 ? 'is there from an earlier attempt' : 'is there for it';
  ended.context.log.line(`The push was done before; ${kept.length || 'no'} run ${told}.`);
  await tellRuns(kept, ended);
  return kept;
}

/** The runs of ours; told where the server tells them. */
async function startedRuns({ forgejo, inputs, known }: Workflow, ended: Ended): Promise<WorkflowRun[]> {
  const { bumped, branch, context } = ended;
  const { dispatch, wait } = inputs;
  let runs: WorkflowRun[] = [];
  let isOurs = (run: WorkflowRun) => !known.has(run.id) && isAbout(run, dispatch, bumped);
  if (dispatch) {
    // Begun after the push and on its branch: another push may be its commit by then, and this pointer is in that too.
    const before = new Set((wait ? await listRuns(forgejo) : undefined)?.map(({ id }) => id));
    isOurs = (run) => !before.has(run.id) && isDispatch(run, dispatch) && (run.branch === '' || run.branch === branch);
    const run = await dispatchWorkflow(forgejo, dispatch, { ref: branch, inputs: inputs.dispatchInputs });
    context.log.line(`Started ${dispatch} on ${branch}.`);
    // Forgejo tells the number, which its page has.
    if (run) runs = [{ ...run, url: run.url || `${forgejo.page}/actions/runs/${run.number}` }];
  }
  if (runs.length === 0 && wait) runs = await appeared(forgejo, isOurs, context);
  if (runs.length === 0 && wait) {
    throw new ForgejoError({
      what: dispatch ? `Looking for the run of ${dispatch}` : 'Looking for the run that the push starts',
      where: forgejo.repository,
      why: `none for ${bumped.rootCommit} was there within ${APPEARS_SECONDS} s.`,
      remedy: dispatch
        ? 'look at the runs in the browser.'
        : 'check that the root has a workflow for pushes to this branch, and that the message skips none; or name one as dispatch.',
    });
  }
  await tellRuns(runs, ended);
  return runs;
}

function isAbout(run: WorkflowRun, dispatch: string | undefined, { rootCommit }: Bumped): boolean {
  if (run.commit !== rootCommit) return false;
  return dispatch ? isDispatch(run, dispatch) : run.event !== 'workflow_dispatch';
}

function isDispatch({ event, workflow }: WorkflowRun, dispatch: string): boolean {
  return event === 'workflow_dispatch' && (workflow === '' || workflow === dispatch);
}

async function tellRuns(runs: readonly WorkflowRun[], { context }: Ended): Promise<void> {
  await context.outputs({ 'run-url': runs[0]?.url ?? '' });
  for (const run of runs) context.log.line(`Run ${run.number || run.id}: ${run.url}`);
}

async function appeared(forgejo: Forge, isOurs: (run: WorkflowRun) => boolean, { signal }: ActionContext) {
  const until = Date.now() + APPEARS_SECONDS * 1000;
  for (let pause = FIRST_PAUSE_MS; Date.now() < until && !signal.aborted; pause = longer(pause)) {
    const found = (await listRuns(forgejo))?.filter(isOurs) ?? [];
    if (found.length > 0) return found;
    await sleep(pause, undefined, { signal }).catch(() => undefined);
  }
  return [];
}

async function follow({ forgejo, inputs }: Workflow, runs: readonly WorkflowRun[], { bumped, context }: Ended) {
  const { log, signal } = context;
  const until = Date.now() + inputs.waitTimeoutSeconds * 1000;
  const startedAt = Date.now();
  for (const started of runs) {
    let [run, told, toldAt] = [started, '', 0];
    for (let pause = FIRST_PAUSE_MS; ; pause = longer(pause)) {
      run = await readRunById(forgejo, started.id, FORGE_AWAY_SECONDS);
      if (run.status !== told || Date.now() - toldAt > PROGRESS_SECONDS * 1000) {
        log.line(`  ${run.status.padEnd(10)} after ${((Date.now() - startedAt) / 1000).toFixed(0)} s`);
        [told, toldAt] = [run.status, Date.now()];
      }
      if (run.ended) break;
      if (Date.now() > until || signal.aborted) throw notEnded(run, inputs.waitTimeoutSeconds, bumped);
      await sleep(pause, undefined, { signal }).catch(() => undefined);
    }
    if (run.status !== 'success') throw ended(run, bumped);
  }
}

function notEnded({ status, url, id }: WorkflowRun, seconds: number, bumped: Bumped): ForgejoError {
  return new ForgejoError({
    what: 'Waiting for the run',
    where: url || String(id),
    why: `it is ${status} and did not end within ${seconds} s.`,
    state: pushedState(bumped),
    remedy: 'look at it in the browser; raise wait-timeout-seconds if it takes longer.',
  });
}

function ended({ status, url, id }: WorkflowRun, bumped: Bumped): ForgejoError {
  const [why, remedy] = {
    cancelled: [
      'it was cancelled.',
      'where a later push did that, the later run has this pointer too; to queue instead, set concurrency with cancel-in-progress: false there.',
    ],
    skipped: ['it was skipped: nothing of it ran.', 'check its conditions.'],
  }[status] ?? ['it failed.', 'read its log.'];
  return new ForgejoError({
    what: 'The run that was started',
    where: url || String(id),
    why: why as string,
    state: pushedState(bumped),
    remedy: remedy as string,
  });
}

function pushedState({ rootCommit }: Bumped): string {
  return `the pointer is pushed: ${rootCommit} is in the root repository. Running this job again goes on from there.`;
}

function longer(pauseMs: number): number {
  return Math.min(LONGEST_PAUSE_MS, pauseMs * 1.5);
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { ActionContext } from '../../lib/action/action.ts';
import { Failure, ForgejoError } from '../../lib/errors.ts';
import type { Forge } from '../../lib/forge/client.ts';
import { longer } from '../../lib/forge/follow-run.ts';
import type { WorkflowRun } from '../../lib/forge/parse-run.ts';
import { booleansWarning, falseBooleans, isDispatch, isOnRef, listRuns } from '../../lib/forge/runs.ts';
import { startRun } from '../../lib/forge/start-run.ts';
import type { BumpResult } from './bump-context.ts';
import type { Descends } from './descendants.ts';
import { follow, pushedState } from './follow.ts';
import type { BumpInputs } from './inputs.ts';

/** What is to be started or followed, and what was there before. */
export interface Workflow {
  forge: Forge;
  inputs: BumpInputs;
  /** Runs that are none of ours. */
  known: ReadonlySet<number>;
}

interface Ended {
  bumped: BumpResult;
  branch: string;
  context: ActionContext;
  descends: Descends;
}

const APPEARS_SECONDS = 60;
const FIRST_PAUSE_MS = 500;
const PROGRESS_SECONDS = 15;

/** Before the push: can this server do what is asked? Undefined when nothing is. */
export async function prepareWorkflow(
  forge: Forge,
  inputs: BumpInputs,
  { log }: ActionContext,
): Promise<Workflow | undefined> {
  if (!inputs.dispatch && !inputs.wait) return undefined;
  const runs = await listRuns(forge);
  const version = forge.kind === 'github' ? '' : await forge.version();
  if (runs === undefined && inputs.wait) {
    throw new ForgejoError({
      what: 'Preparing wait',
      where: forge.repository,
      why: `this server's API${version ? ` (${version})` : ''} does not list workflow runs (Forgejo 12 and later do), so \`wait\` cannot work.`,
      remedy: 'leave `wait` out, or upgrade the server. Nothing was pushed.',
    });
  }
  const wrong = falseBooleans(version, inputs.dispatchInputs);
  if (wrong.length > 0) log.warning(booleansWarning(version, wrong));
  return { forge, inputs, known: new Set(runs?.map(({ id }) => id)) };
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
    if (workflow.inputs.wait) await followAll(workflow, runs, ended);
  } catch (error) {
    if (!(error instanceof Failure) || error.fields.state) throw error;
    throw new ForgejoError({ ...error.fields, state: pushedState(bumped.rootCommit) });
  }
}

/** What an earlier attempt has started, unless it ended badly: then, and where the server tells no runs, it is started now. */
async function resumedRuns(workflow: Workflow, ended: Ended): Promise<WorkflowRun[]> {
  const { forge, inputs } = workflow;
  const runs = (await listRuns(forge))?.filter((run) => isAbout(run, inputs.dispatch, ended.bumped)) ?? [];
  const kept = inputs.dispatch ? runs.filter((run) => !run.ended || run.status === 'success').slice(0, 1) : runs;
  if (kept.length === 0 && inputs.dispatch) return startedRuns(workflow, ended);
  const started = kept.length === 0 ? 'no run' : kept.length === 1 ? '1 run' : `${kept.length} runs`;
  ended.context.log.line(`Already pushed by an earlier attempt, which started ${started}.`);
  await tellRuns(kept, ended);
  return kept;
}

/** The runs of ours; told where the server tells them. */
async function startedRuns({ forge, inputs, known }: Workflow, ended: Ended): Promise<WorkflowRun[]> {
  const { bumped, branch, context } = ended;
  const { dispatch, wait } = inputs;
  let runs: WorkflowRun[] = [];
  if (dispatch) {
    // Started after the push and on its branch: another push may be its commit by then, and this pointer is in that too.
    runs = await startRun(
      forge,
      { workflow: dispatch, ref: branch, inputs: inputs.dispatchInputs },
      { appearsSeconds: wait ? APPEARS_SECONDS : 0, context },
    );
  } else if (wait) {
    const isOurs = (run: WorkflowRun) => !known.has(run.id) && isAbout(run, undefined, bumped);
    const isLater = (run: WorkflowRun) => !known.has(run.id) && run.event === 'push' && isOnRef(run, branch);
    runs = await appeared(forge, { isOurs, isLater }, ended);
  }
  if (runs.length === 0 && wait) {
    throw new ForgejoError({
      what: dispatch ? `Finding the run of ${dispatch}` : 'Finding the run that the push starts',
      where: forge.repository,
      why: `no run for ${bumped.rootCommit} appeared within ${APPEARS_SECONDS} s.`,
      remedy: dispatch
        ? 'check the runs in the browser.'
        : 'check that the root has a workflow for pushes to this branch, and that the commit message does not skip it; or set `dispatch` to a workflow.',
    });
  }
  await tellRuns(runs, ended);
  return runs;
}

function isAbout(run: WorkflowRun, dispatch: string | undefined, { rootCommit }: BumpResult): boolean {
  if (run.commit !== rootCommit) return false;
  return dispatch ? isDispatch(run, dispatch) : run.event !== 'workflow_dispatch';
}

async function tellRuns(runs: readonly WorkflowRun[], { context }: Ended): Promise<void> {
  await context.outputs({ 'run-url': runs[0]?.url ?? '' });
  for (const run of runs) context.log.line(`Run ${run.number || run.id}: ${run.url}`);
}

interface Expected {
  isOurs(run: WorkflowRun): boolean;
  /** Whether it may be the run of a later push; its commit tells. */
  isLater(run: WorkflowRun): boolean;
}

/** The runs of ours, or of the first later push: its commit has the pointer too, and a forge may leave out the one before. */
async function appeared(forge: Forge, { isOurs, isLater }: Expected, { bumped, context, descends }: Ended) {
  const { log, signal } = context;
  const startedAt = Date.now();
  let toldAt = startedAt;
  log.line(`Waiting for the run to appear, at most ${APPEARS_SECONDS} s`);
  for (let pause = FIRST_PAUSE_MS; Date.now() < startedAt + APPEARS_SECONDS * 1000; pause = longer(pause)) {
    const runs = (await listRuns(forge)) ?? [];
    const found = runs.filter(isOurs);
    if (found.length > 0 || signal.aborted) return found;
    for (const run of runs.filter(isLater).toReversed())
      if (await descends(run.commit, bumped.rootCommit))
        return runs.filter((one) => isLater(one) && one.commit === run.commit);
    if (Date.now() - toldAt >= PROGRESS_SECONDS * 1000) {
      toldAt = Date.now();
      log.line(`  no run yet after ${((toldAt - startedAt) / 1000).toFixed(0)} s`);
    }
    await sleep(pause, undefined, { signal }).catch(() => undefined);
  }
  return [];
}

function followAll({ forge, inputs }: Workflow, runs: readonly WorkflowRun[], ended: Ended): Promise<void> {
  const { bumped, ...more } = ended;
  return follow(runs, {
    ...more,
    forge,
    rootCommit: bumped.rootCommit,
    timeoutSeconds: inputs.waitTimeoutSeconds,
    state: pushedState(bumped.rootCommit),
  });
}

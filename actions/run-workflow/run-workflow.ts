import { randomBytes } from 'node:crypto';
import type { ActionContext } from '../../lib/action/action.ts';
import { ForgejoError } from '../../lib/errors.ts';
import { automaticToken } from '../../lib/forge/access.ts';
import type { Forge } from '../../lib/forge/client.ts';
import { untilEnded } from '../../lib/forge/follow-run.ts';
import type { WorkflowRun } from '../../lib/forge/parse-run.ts';
import { booleansWarning, type Dispatch, falseBooleans, listRuns, readRunById } from '../../lib/forge/runs.ts';
import { startRun } from '../../lib/forge/start-run.ts';
import { openRepository } from './access.ts';
import type { RunInputs } from './inputs.ts';
import { isMarked, planDispatch, unknownRun } from './plan.ts';
import { remember } from './post.ts';
import { report, reportStarted } from './report.ts';

const APPEARS_SECONDS = { wait: 60, start: 15 };

/** The story: open the forge, start the workflow, find its run, follow it to its end, report. */
export async function runWorkflow(inputs: RunInputs, context: ActionContext): Promise<void> {
  context.log.mask(inputs.token);
  const startedAt = Date.now();
  const forge = openRepository(inputs, context);
  const listed = await runsBefore(forge, inputs);
  const marker = `run-${randomBytes(6).toString('hex')}`;
  const dispatch = planDispatch(inputs, inputs.ref ?? (await defaultBranch(forge)), marker);
  await warnOfBooleans(forge, dispatch, context);
  const isUsers = inputs.token !== undefined && inputs.token !== automaticToken(context);
  const found = await startRun(forge, dispatch, {
    marker: isMarked(inputs) ? marker : undefined,
    appearsSeconds: inputs.wait ? APPEARS_SECONDS.wait : APPEARS_SECONDS.start,
    actor: async () => (isUsers ? forge.login() : ''),
    listed,
    context,
  });
  await context.outputs({ result: 'started' });
  const run = await onlyRun(forge, found, { inputs, context });
  await reportStarted(run, context);
  if (!inputs.wait || !run) return;
  remember(run, context);
  try {
    const { waitTimeoutSeconds: timeoutSeconds } = inputs;
    const ended = await untilEnded(run, startedAt, { forge, timeoutSeconds, context });
    await report(forge, ended, { dispatch, context, seconds: (Date.now() - startedAt) / 1000 });
  } finally {
    remember(undefined, context);
  }
}

/** What is there already is not the run of this step. Before anything is started: can it be followed? */
async function runsBefore(forge: Forge, { wait }: RunInputs): Promise<WorkflowRun[] | undefined> {
  if (!wait) return listRuns(forge).catch(() => undefined);
  const listed = await listRuns(forge);
  if (listed) return listed;
  throw new ForgejoError({
    what: 'Preparing wait',
    where: forge.repository,
    why: `this server's API (${(await forge.version()) || 'of an unknown version'}) does not list workflow runs (Forgejo 12 and later do), so \`wait\` cannot work.`,
    remedy: 'leave `wait` out, or upgrade the server. Nothing was started.',
  });
}

async function defaultBranch(forge: Forge): Promise<string> {
  const { body } = await forge.get('', { what: 'Reading the default branch' });
  const { default_branch: branch } = (body ?? {}) as { default_branch?: unknown };
  if (typeof branch === 'string' && branch !== '') return branch;
  throw new ForgejoError({
    what: 'Reading the default branch',
    where: forge.repository,
    why: 'the forge reports none: the repository is empty.',
    remedy: 'give the branch as `ref`.',
  });
}

async function warnOfBooleans(forge: Forge, { inputs }: Dispatch, { log }: ActionContext): Promise<void> {
  if (forge.kind === 'github' || !Object.values(inputs).includes('true')) return;
  const version = await forge.version();
  const wrong = falseBooleans(version, inputs);
  if (wrong.length > 0) log.warning(booleansWarning(version, wrong));
}

/** The run of this step, with its number; undefined where that is not needed and not known. */
async function onlyRun(
  forge: Forge,
  found: readonly WorkflowRun[],
  { inputs, context }: { inputs: RunInputs; context: ActionContext },
): Promise<WorkflowRun | undefined> {
  const [run, ...more] = found;
  if (run && more.length === 0) return run.number > 0 ? run : await readRunById(forge, run.id, 0).catch(() => run);
  const [why, remedy] = unknownRun(found, `${forge.page}/actions`);
  if (!inputs.wait) {
    context.log.warning(`The run is not known: ${why}`);
    return undefined;
  }
  throw new ForgejoError({
    what: `Finding the run of ${inputs.workflow}`,
    where: forge.repository,
    why,
    state: 'the workflow was started.',
    remedy,
  });
}

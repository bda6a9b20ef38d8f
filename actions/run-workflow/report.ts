import type { ActionContext } from '../../lib/action/action.ts';
import { ForgejoError } from '../../lib/errors.ts';
import type { Forge } from '../../lib/forge/client.ts';
import { nameOf } from '../../lib/forge/follow-run.ts';
import { logFailedJobs } from '../../lib/forge/job-logs.ts';
import type { WorkflowRun } from '../../lib/forge/parse-run.ts';
import type { Dispatch } from '../../lib/forge/runs.ts';

/** Outputs of a step that started nothing. */
export const NOTHING_STARTED = { result: '', 'run-id': '', 'run-number': '', 'run-url': '' };

/** The run in outputs and log, as far as it is known. */
export async function reportStarted(run: WorkflowRun | undefined, { outputs, log }: ActionContext): Promise<void> {
  if (!run) return;
  await outputs({ 'run-id': run.id, 'run-number': run.number || '', 'run-url': run.url });
  log.line(`Run ${nameOf(run)}: ${run.url}`);
}

interface Ended {
  dispatch: Dispatch;
  context: ActionContext;
  seconds: number;
}

/** Result, summary and, of a run that failed, the last lines of its jobs. Throws a ForgejoError unless it succeeded. */
export async function report(forge: Forge, run: WorkflowRun, { dispatch, context, seconds }: Ended): Promise<void> {
  const { workflow, ref } = dispatch;
  await context.outputs({ result: run.status, 'run-number': run.number || '', 'run-url': run.url });
  await context.summary({
    title: `Workflow ${workflow}`,
    head: ['repository', 'ref', 'run', 'result', 'time'],
    rows: [[forge.repository, ref, nameOf(run), run.status, `${seconds.toFixed(0)} s`]],
  });
  if (run.status === 'success') return;
  if (run.status === 'failure') await logFailedJobs(forge, run, context);
  const [why, remedy] = REASONS[run.status] ?? ['it failed.', 'read its log, fix the cause, and run this again.'];
  throw new ForgejoError({
    what: `Run ${nameOf(run)} of ${workflow}`,
    where: run.url || forge.repository,
    why,
    remedy,
  });
}

const REASONS: Readonly<Record<string, readonly [why: string, remedy: string]>> = {
  cancelled: [
    'it was cancelled.',
    'run this again; to queue runs instead, set `concurrency` with `cancel-in-progress: false` there.',
  ],
  skipped: ['it was skipped: nothing of it ran.', 'check the conditions of its jobs.'],
};

import { ForgejoError } from '../errors.ts';
import type { Forge } from './client.ts';
import { parseRun, parseRuns, type WorkflowRun } from './parse-run.ts';

const LISTED_RUNS = 50;
const NO_ROUTE = [404, 405, 501];

/** The newest runs of the repository; undefined where the server is too old to tell them (Forgejo before v12). */
export async function listRuns(forgejo: Forge): Promise<WorkflowRun[] | undefined> {
  const size = forgejo.kind === 'github' ? 'per_page' : 'limit';
  const answer = await forgejo.get(`/actions/runs?${size}=${LISTED_RUNS}`, {
    what: 'Listing the runs',
    accept: NO_ROUTE,
  });
  return NO_ROUTE.includes(answer.status) ? undefined : parseRuns(answer.body);
}

/** One run as it is now; the forge may be away for `patienceSeconds`. */
export async function readRunById(forgejo: Forge, id: number, patienceSeconds: number): Promise<WorkflowRun> {
  const told = { what: `Reading the run ${id}`, patienceSeconds };
  const { body } = await forgejo.get(`/actions/runs/${id}`, told);
  const run = parseRun(body);
  if (run) return run;
  throw new ForgejoError({
    ...told,
    where: forgejo.repository,
    why: 'the answer is not a workflow run.',
    remedy: 'check the runs in the browser, and report this as a bug with the version of the forge.',
    output: JSON.stringify(body)?.slice(0, 500),
  });
}

/**
 * Starts a workflow file on a branch. Gives the run where the server tells it (Forge), else undefined: it must be looked
 * for. Never sent twice.
 */
export async function dispatchWorkflow(
  forgejo: Forge,
  workflow: string,
  { ref, inputs }: { ref: string; inputs: Readonly<Record<string, string>> },
): Promise<WorkflowRun | undefined> {
  // GitHub refuses fields that it does not know.
  const more = forgejo.kind === 'github' ? {} : { return_run_info: true };
  const { body } = await forgejo.send('POST', `/actions/workflows/${encodeURIComponent(workflow)}/dispatches`, {
    body: { ref, inputs, ...more },
    told: { what: `Starting the workflow ${workflow}` },
  });
  return parseRun(body);
}

/** Whether a run was started by a dispatch of that workflow file, as far as the forge says. */
export function isDispatch({ event, workflow }: WorkflowRun, file: string): boolean {
  return event === 'workflow_dispatch' && (workflow === '' || workflow === file);
}

import { ForgejoError } from '../errors.ts';
import type { Answer, Forge } from './client.ts';
import { parseRun, parseRuns, type WorkflowRun } from './parse-run.ts';
import type { Reason } from './reasons.ts';

const LISTED_RUNS = 50;
const NO_ROUTE = [404, 405, 501];

/** The newest runs of the repository; undefined where the server is too old to tell them (Forgejo before v12). */
export async function listRuns(forge: Forge): Promise<WorkflowRun[] | undefined> {
  const size = forge.kind === 'github' ? 'per_page' : 'limit';
  const answer = await forge.get(`/actions/runs?${size}=${LISTED_RUNS}`, {
    what: 'Listing the runs',
    accept: NO_ROUTE,
  });
  return NO_ROUTE.includes(answer.status) ? undefined : parseRuns(answer.body);
}

/** One run as it is now; the forge may be away for `patienceSeconds`. */
export async function readRunById(forge: Forge, id: number, patienceSeconds: number): Promise<WorkflowRun> {
  const told = { what: `Reading the run ${id}`, patienceSeconds };
  const { body } = await forge.get(`/actions/runs/${id}`, told);
  const run = parseRun(body);
  if (run) return run;
  throw new ForgejoError({
    ...told,
    where: forge.repository,
    why: 'the answer is not a workflow run.',
    remedy: 'check the runs in the browser, and report this as a bug with the version of the forge.',
    output: JSON.stringify(body)?.slice(0, 500),
  });
}

/** What is started. */
export interface Dispatch {
  /** The workflow's file name. */
  workflow: string;
  ref: string;
  inputs: Readonly<Record<string, string>>;
}

/** The run where the server reports it, otherwise undefined: it must be looked for. */
export interface Dispatched {
  run: WorkflowRun | undefined;
  /** When it was started, by the clock of the forge; 0 where that is unknown. */
  at: number;
}

const UNKNOWN_FIELD = 422;

/** Starts a workflow file. Never sent twice, unless the first request was refused for what it asks back. */
export async function dispatchWorkflow(forge: Forge, { workflow, ref, inputs }: Dispatch): Promise<Dispatched> {
  const path = `/actions/workflows/${encodeURIComponent(workflow)}/dispatches`;
  const told = { what: `Starting the workflow ${workflow}`, reasons: dispatchReasons(workflow, ref) };
  if (forge.kind === 'github') {
    const first = await forge.send('POST', path, {
      body: { ref, inputs, return_run_details: true },
      // An older GitHub Enterprise Server knows no such field, and has started nothing.
      told: { ...told, acceptIf: isUnknownField },
    });
    if (!isUnknownField(first)) return dispatched(first);
    return dispatched(await forge.send('POST', path, { body: { ref, inputs }, told }));
  }
  // The field is Forgejo's, the query Gitea's; each ignores the other's.
  const body = { ref, inputs, return_run_info: true };
  return dispatched(await forge.send('POST', `${path}?return_run_details=true`, { body, told }));
}

function isUnknownField({ status, body }: Answer): boolean {
  return status === UNKNOWN_FIELD && JSON.stringify(body ?? '').includes('return_run_details');
}

function dispatched({ body, at }: Answer): Dispatched {
  return { run: parseRun(body), at };
}

/** A forge that does not find the file, the branch or an input says so in one of these ways. */
function dispatchReasons(workflow: string, ref: string): Readonly<Record<number, Reason>> {
  const remedy = `check that \`${workflow}\` is a file of the workflow folder on ${ref} that has \`workflow_dispatch\`, and that its required inputs are given.`;
  return {
    400: ['the forge refused the request (400).', remedy],
    404: ['the repository or the workflow was not found, or is not visible to this token (404).', remedy],
    422: ['the forge refused the request (422).', remedy],
    500: ['the forge failed (500).', remedy],
  };
}

/** Whether a run was started by a dispatch of that workflow file, as far as the forge says. */
export function isDispatch({ event, workflow }: WorkflowRun, file: string): boolean {
  return event === 'workflow_dispatch' && (workflow === '' || workflow === file);
}

/** Whether a run is of that branch, tag or commit, as far as the forge says. */
export function isOnRef({ branch, commit }: WorkflowRun, ref: string): boolean {
  const plain = (name: string) => name.replace(/^refs\/(heads|tags)\//, '');
  return branch === '' || plain(branch) === plain(ref) || (commit !== '' && commit === ref);
}

/** Booleans of a dispatch arrive right from this version on. */
const BOOLEANS_SINCE = 14;

/** The inputs that this version of Forgejo would give to the workflow as false though they are true. */
export function falseBooleans(version: string, inputs: Readonly<Record<string, string>>): string[] {
  const major = Number.parseInt(version, 10);
  // Gitea's own numbers begin with 1.
  if (!(major > 1 && major < BOOLEANS_SINCE)) return [];
  return Object.keys(inputs).filter((name) => inputs[name] === 'true');
}

/** What is said about them. */
export function booleansWarning(version: string, names: readonly string[]): string {
  return `This server (${version}) passes boolean inputs set to true as false; declare ${names.join(', ')} as a choice of 'false' and 'true' in the workflow.`;
}

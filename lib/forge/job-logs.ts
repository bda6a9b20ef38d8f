import type { ActionContext } from '../action/action.ts';
import { escapeForeign, linesOf } from '../foreign.ts';
import type { Forge } from './client.ts';
import type { WorkflowRun } from './parse-run.ts';

/** The end of the log of a job that failed. */
interface FailedJob {
  name: string;
  url: string;
  /** Harmless in a log; empty where the forge gives no log. */
  lines: string[];
}

const JOBS_AT_MOST = 3;
const LINES_AT_MOST = 30;
const TAIL_BYTES = 128 * 1024;
const NO_ROUTE = [403, 404, 405, 501];

/** Prints the last lines of at most three failed jobs of a run. What can't be read is no reason to fail. */
export async function logFailedJobs(forge: Forge, run: WorkflowRun, { log }: ActionContext): Promise<void> {
  const jobs = await failedJobs(forge, run.id).catch(() => undefined);
  if (!jobs) log.line(`This forge's API gives no logs of jobs (Forgejo 16 and Gitea 1.24 do): read them at ${run.url}`);
  for (const { name, url, lines } of jobs ?? []) {
    if (lines.length === 0) log.line(`Job ${name} failed; its log could not be read: ${url || run.url}`);
    else log.line(`The last lines of job ${name}:`);
    for (const line of lines) log.line(`  | ${line}`);
  }
}

/** Undefined where this forge's API has no jobs. */
async function failedJobs(forge: Forge, runId: number): Promise<FailedJob[] | undefined> {
  const told = { what: `Reading the jobs of run ${runId}`, accept: NO_ROUTE };
  const { status, body } = await forge.get(`/actions/runs/${runId}/jobs`, told);
  if (NO_ROUTE.includes(status)) return undefined;
  const failed = parseJobs(body).filter(({ isFailed }) => isFailed);
  return Promise.all(
    failed.slice(0, JOBS_AT_MOST).map(async ({ id, name, url }) => {
      const text = await forge.tail(`/actions/jobs/${id}/logs`, TAIL_BYTES).catch(() => undefined);
      return { name, url, lines: lastLines(text ?? '') };
    }),
  );
}

/** The jobs of a run as Forgejo (a list), Gitea or GitHub (`jobs`) report them. */
export function parseJobs(reported: unknown): { id: number; name: string; url: string; isFailed: boolean }[] {
  const { jobs } = (reported ?? {}) as { jobs?: unknown };
  const list = Array.isArray(reported) ? reported : Array.isArray(jobs) ? jobs : [];
  return list.flatMap((one) => {
    const { id, name, html_url: url, status, conclusion } = (one ?? {}) as Record<string, unknown>;
    if (typeof id !== 'number' || !Number.isSafeInteger(id)) return [];
    const isFailed = status === 'failure' || conclusion === 'failure' || conclusion === 'timed_out';
    return [
      { id, name: typeof name === 'string' ? name : String(id), url: typeof url === 'string' ? url : '', isFailed },
    ];
  });
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d) ?/;
/** What follows the step that failed is the runner's own clearing up. */
const FAILURE = /##\[error\]|^::error|❌/;

/** The last lines up to the last one that reports a failure, without their times and each made harmless. */
export function lastLines(text: string): string[] {
  const lines = linesOf(text.replace(/^\uFEFF/, ''))
    .map((line) => line.replace(TIME, '').trimEnd())
    .filter((line) => line !== '');
  const failedAt = lines.findLastIndex((line) => FAILURE.test(line));
  const upTo = failedAt < 0 ? lines.length : failedAt + 1;
  return lines.slice(Math.max(0, upTo - LINES_AT_MOST), upTo).map(escapeForeign);
}

/** One run of a workflow, in the words of Forgejo, whatever the forge. */
export interface WorkflowRun {
  id: number;
  number: number;
  /** unknown, waiting, running, blocked; or, at its end, success, failure, cancelled, skipped. */
  status: string;
  ended: boolean;
  commit: string;
  /** Empty where the forge tells none. */
  branch: string;
  /** workflow_dispatch, push … */
  event: string;
  /** The file's name. */
  workflow: string;
  url: string;
  /** As the list of runs shows it. */
  title: string;
  /** Who started it. */
  actor: string;
  /** In milliseconds by the clock of the forge; 0 where it says none. */
  createdAt: number;
}

const ENDS = ['success', 'failure', 'cancelled', 'skipped'];

/** Reads a run as Forgejo, Gitea or GitHub tell it; undefined for what is none. */
export function parseRun(told: unknown): WorkflowRun | undefined {
  const run = (told ?? {}) as Record<string, unknown>;
  const text = (...names: string[]) =>
    names.map((name) => run[name]).find((value) => typeof value === 'string' && value !== '') as string | undefined;
  const id = [run.id, run.workflow_run_id].find((value) => typeof value === 'number') as number | undefined;
  if (id === undefined) return undefined;
  // Gitea and GitHub say that it is completed, and elsewhere how.
  const status = statusOf(text('status') ?? 'unknown', text('conclusion') ?? '');
  return {
    id,
    number: ([run.index_in_repo, run.run_number].find((value) => typeof value === 'number') as number | undefined) ?? 0,
    status,
    ended: ENDS.includes(status),
    commit: text('commit_sha', 'head_sha') ?? '',
    branch: text('head_branch', 'prettyref') ?? '',
    event: text('trigger_event', 'event') ?? '',
    // Gitea and GitHub have a path, Gitea with a ref behind it; Forgejo's workflow_id is the file's name.
    workflow: (text('path') ?? text('workflow_id') ?? '').replace(/@.*$/, '').replace(/^.*\//, ''),
    url: text('html_url') ?? '',
    title: text('display_title', 'title') ?? '',
    actor: loginOf(run.trigger_user) || loginOf(run.triggering_actor) || loginOf(run.actor),
    createdAt: Date.parse(text('created_at', 'created') ?? '') || 0,
  };
}

/** The runs of a list, in either form of it. */
export function parseRuns(told: unknown): WorkflowRun[] {
  const list = (told as { workflow_runs?: unknown } | undefined)?.workflow_runs;
  return Array.isArray(list) ? list.flatMap((run) => parseRun(run) ?? []) : [];
}

function loginOf(user: unknown): string {
  const { login } = (user ?? {}) as { login?: unknown };
  return typeof login === 'string' ? login : '';
}

function statusOf(status: string, conclusion: string): string {
  if (status !== 'completed') return { queued: 'waiting', in_progress: 'running' }[status] ?? status;
  if (conclusion === 'neutral') return 'success';
  return ENDS.includes(conclusion) ? conclusion : 'failure';
}

export type Platform = 'forgejo' | 'gitea' | 'github';

/** The workflow run a step belongs to, from the runner's environment; empty texts outside a runner. */
export interface Run {
  platform: Platform;
  /** The forge, without a trailing slash: https://git.example.org */
  serverUrl: string;
  apiUrl: string;
  /** owner/name */
  repository: string;
  /** The run's page in the browser. */
  url: string;
  workflow: string;
  /** Runs whose numbers can be compared have the same: server, repository, and the workflow's file, or its name where that is unknown. */
  series: string;
  /** Grows with every run of the workflow; 0 outside a runner. */
  number: number;
  attempt: number;
  actor: string;
  sha: string;
  ref: string;
  job: string;
}

/** Reads the run from `env`. Forgejo's page takes the run's number, GitHub's its id. */
export function readRun(env: NodeJS.ProcessEnv): Run {
  const platform: Platform = env.FORGEJO_ACTIONS ? 'forgejo' : env.GITEA_ACTIONS ? 'gitea' : 'github';
  const serverUrl = (env.GITHUB_SERVER_URL ?? '').replace(/\/+$/, '');
  const repository = env.GITHUB_REPOSITORY ?? '';
  const file = (env.GITHUB_WORKFLOW_REF ?? '').replace(/@.*$/, '');
  const page = platform === 'github' ? env.GITHUB_RUN_ID : env.GITHUB_RUN_NUMBER;
  return {
    platform,
    serverUrl,
    apiUrl: (env.GITHUB_API_URL || (serverUrl && `${serverUrl}/api/v1`)).replace(/\/+$/, ''),
    repository,
    url: serverUrl && repository && page ? `${serverUrl}/${repository}/actions/runs/${page}` : '',
    // Empty when the workflow has no name; its file names it then.
    workflow: env.GITHUB_WORKFLOW || file,
    series: [serverUrl, repository, file || (env.GITHUB_WORKFLOW ?? '')].join(' '),
    number: Number.parseInt(env.GITHUB_RUN_NUMBER ?? '', 10) || 0,
    attempt: Number.parseInt(env.GITHUB_RUN_ATTEMPT ?? '', 10) || 1,
    actor: env.GITHUB_ACTOR ?? '',
    sha: env.GITHUB_SHA ?? '',
    ref: env.GITHUB_REF ?? '',
    job: env.GITHUB_JOB ?? '',
  };
}

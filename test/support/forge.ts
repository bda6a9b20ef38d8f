import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { onwards, readBody } from './pass-on.ts';

/** A forge's API on loopback that answers as the documented versions do, in front of a git server. */
export interface Forge extends AsyncDisposable {
  url: string;
  version: string;
  /** Method and path of every request. */
  asked: string[];
  /** The parsed bodies of what changes something. */
  sent: Record<string, unknown>[];
  authorizations: (string | undefined)[];
  pulls: Record<string, unknown>[];
  runs: ForgeRun[];
  /** What a run becomes each time it is read. */
  course: string[];
  /** What the push or dispatch is about; a run has it as its commit. */
  commitOf: () => string;
  /** Answers with this status and body, whatever is asked, so many times. */
  refuse: { status: number; body: string; times: number; path?: RegExp; headers?: Record<string, string> } | undefined;
  /** Commit statuses, oldest first. */
  statuses: Record<string, unknown>[];
  /** Who the token belongs to. */
  login: string;
  /** What a run's jobs are, and the log of a job by its id; a function answers as it likes. */
  jobs: Record<string, unknown>[];
  logs: Record<number, string | ((response: ServerResponse, headers: IncomingHttpHeaders) => void)>;
}

interface ForgeRun {
  id: number;
  title?: string;
  branch?: string;
  actor?: string;
  event: string;
  commit: string;
  workflow: string;
  read: number;
  /** Instead of the forge's. */
  course?: string[];
}

export type ForgeKind =
  | 'forgejo 11'
  | 'forgejo 12'
  | 'forgejo 15'
  | 'forgejo 17'
  | 'gitea 1.26'
  | 'gitea 1.27'
  | 'github'
  | 'github enterprise';

const VERSIONS: Record<ForgeKind, string> = {
  'forgejo 11': '11.0.3+gitea-1.22.0',
  'forgejo 12': '12.0.1+gitea-1.22.0',
  'forgejo 15': '15.0.0+gitea-1.22.0',
  'forgejo 17': '17.0.0+gitea-1.22.0',
  'gitea 1.26': '1.26.0',
  'gitea 1.27': '1.27.0',
  github: '',
  'github enterprise': '',
};

/** Starts it. Requests that are none of the API's go on to the git server at `gitUrl`. */
export async function forge(kind: ForgeKind, gitUrl: string): Promise<Forge> {
  const isGithub = kind.startsWith('github');
  const base = isGithub ? '/api/v3' : '/api/v1';
  const server = createServer((request, response) => {
    void (async () => {
      const path = request.url ?? '/';
      const body = await readBody(request);
      if (!path.startsWith(base)) {
        const { status, headers, content } = await onwards(gitUrl, request, body);
        response.writeHead(status, headers);
        return void response.end(content);
      }
      const log = self.logs[Number(/\/actions\/jobs\/(\d+)\/logs$/.exec(path)?.[1])];
      if (log !== undefined) {
        self.asked.push(`${request.method} ${path.slice(base.length)}`);
        if (typeof log === 'function') return log(response, request.headers);
        return void response.end(log);
      }
      const { status, answer, headers } = reply(`${request.method} ${path.slice(base.length)}`, body, request);
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(answer === undefined ? '' : typeof answer === 'string' ? answer : JSON.stringify(answer));
    })();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as { port: number };
  const self: Forge = {
    url: `http://127.0.0.1:${port}`,
    version: VERSIONS[kind],
    asked: [],
    sent: [],
    authorizations: [],
    pulls: [],
    runs: [],
    course: ['waiting', 'running', 'success'],
    commitOf: () => '',
    refuse: undefined,
    statuses: [],
    login: 'ada',
    jobs: [],
    logs: {},
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
  return self;

  function reply(
    asked: string,
    body: Buffer,
    { headers }: IncomingMessage,
  ): { status: number; answer?: unknown; headers?: Record<string, string> } {
    self.asked.push(asked);
    self.authorizations.push(headers.authorization);
    if (self.refuse && self.refuse.times > 0 && (self.refuse.path ?? /./).test(asked)) {
      self.refuse.times -= 1;
      return { status: self.refuse.status, answer: self.refuse.body, headers: self.refuse.headers ?? {} };
    }
    const sent = body.length > 0 ? (JSON.parse(body.toString()) as Record<string, unknown>) : {};
    if (body.length > 0) self.sent.push(sent);
    if (asked === 'GET /version') return { status: 200, answer: { version: self.version } };
    if (asked === 'GET /user') return { status: 200, answer: { login: self.login } };
    const [, rest = ''] = /^\w+ \/repos\/team\/[\w-]+(\/.*)?$/.exec(asked) ?? [];
    if (/^GET \/repos\/team\/[\w-]+$/.test(asked)) return { status: 200, answer: { default_branch: 'main' } };
    if (rest.startsWith('/statuses/')) {
      self.statuses.push({ sha: rest.slice('/statuses/'.length), ...sent });
      return { status: 201, answer: { id: self.statuses.length, ...sent } };
    }
    const method = asked.split(' ')[0];
    if (rest.startsWith('/pulls')) return pulls(method ?? '', rest, sent);
    if (/^\/actions\/workflows\/deploy\.ya?ml\/dispatches(\?|$)/.test(rest)) return dispatch(sent, rest);
    if (rest.startsWith('/actions/workflows/'))
      return isGithub
        ? { status: 404, answer: { message: 'Not Found' } }
        : { status: 500, answer: { message: 'Workflow not found' } };
    if (/^\/actions\/runs\/\d+\/jobs$/.test(rest)) return jobs();
    if (rest.startsWith('/actions/runs') && kind !== 'forgejo 11') return runs(rest);
    return { status: 404, answer: { message: 'The target could not be found.' } };
  }

  function pulls(method: string, path: string, sent: Record<string, unknown>) {
    if (method === 'GET') return { status: 200, answer: /[?&]page=1\b/.test(path) ? self.pulls : [] };
    if (method === 'PATCH') {
      const pull = self.pulls.find(({ number }) => path === `/pulls/${number}`);
      Object.assign(pull ?? {}, sent);
      return { status: 201, answer: pull };
    }
    const number = self.pulls.length + 1;
    const repo = { full_name: 'team/gb' };
    const pull = {
      number,
      title: sent.title,
      body: sent.body,
      html_url: `${self.url}/team/gb/pulls/${number}`,
      head: { ref: sent.head, repo },
      base: { ref: sent.base, repo },
    };
    if (self.pulls.some(({ head }) => (head as { ref: unknown }).ref === sent.head))
      return { status: 409, answer: { message: 'pull request already exists for these targets' } };
    self.pulls.push(pull);
    return { status: 201, answer: pull };
  }

  function dispatch(sent: Record<string, unknown>, path: string) {
    for (const field of ['return_run_info', ...(kind === 'github' ? [] : ['return_run_details'])])
      if (isGithub && field in sent)
        return { status: 422, answer: { message: `Invalid request. "${field}" is not a permitted key.` } };
    const id = 100 + self.runs.length;
    const { inputs = {}, ref } = sent as { inputs?: Record<string, string>; ref: string };
    // As with `run-name: deploy ${{ inputs.request }}` in the workflow.
    const title = `deploy ${inputs.request ?? ''}`;
    const run = { id, event: 'workflow_dispatch', commit: self.commitOf(), workflow: 'deploy.yml', read: 0 };
    self.runs.push({ ...run, title, branch: ref, actor: self.login });
    if (kind.startsWith('forgejo') && sent.return_run_info === true)
      return { status: 201, answer: { id, run_number: id - 90, jobs: ['deploy'] } };
    const wantsDetails =
      kind === 'github' ? sent.return_run_details === true : path.includes('return_run_details=true');
    if (!wantsDetails || !['gitea 1.27', 'github'].includes(kind)) return { status: 204 };
    const html_url = `${self.url}/team/gb/actions/runs/${id - 90}`;
    return { status: 200, answer: { workflow_run_id: id, run_url: `${self.url}${base}/x`, html_url } };
  }

  function jobs() {
    if (/^forgejo 1[125]/.test(kind)) return { status: 404, answer: { message: 'not found' } };
    return { status: 200, answer: kind.startsWith('forgejo') ? self.jobs : { jobs: self.jobs, total_count: 1 } };
  }

  function runs(path: string) {
    const id = Number(/^\/actions\/runs\/(\d+)$/.exec(path)?.[1]);
    if (!id) return { status: 200, answer: { workflow_runs: self.runs.map(told), total_count: self.runs.length } };
    const run = self.runs.find((one) => one.id === id);
    if (!run) return { status: 404, answer: { message: 'not found' } };
    run.read += 1;
    return { status: 200, answer: told(run) };
  }

  function told({ id, event, commit, workflow, read, course = self.course, title, branch, actor }: ForgeRun) {
    const status = course[Math.min(Math.max(0, read - 1), course.length - 1)] ?? 'unknown';
    const url = `${self.url}/team/gb/actions/runs/${id - 90}`;
    if (kind.startsWith('forgejo')) {
      const dispatched = event === 'workflow_dispatch';
      return {
        id,
        index_in_repo: id - 90,
        status,
        commit_sha: commit,
        workflow_id: workflow,
        event: dispatched ? '' : event,
        trigger_event: event,
        html_url: url,
        ...(title === undefined ? {} : { title, prettyref: branch, trigger_user: { login: actor } }),
      };
    }
    const ended = ['success', 'failure', 'cancelled', 'skipped'].includes(status);
    return {
      id,
      run_number: id - 90,
      status: ended ? 'completed' : status === 'running' ? 'in_progress' : 'queued',
      conclusion: ended ? status : null,
      head_sha: commit,
      event,
      path: isGithub ? `.github/workflows/${workflow}` : `${workflow}@refs/heads/main`,
      html_url: url,
      ...(title === undefined ? {} : { display_title: title, head_branch: branch, triggering_actor: { login: actor } }),
    };
  }
}

import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** Bare repositories of a root and its submodules, served by git's own http-backend. */
export interface GitServer extends AsyncDisposable {
  url: string;
  folder: string;
  requests: number;
  /** Every Authorization header that came. */
  authorizations: string[];
  /** Refuses requests without this token. */
  token: string | undefined;
  /** Waits so long before each receive-pack. */
  pushDelayMs: number;
  /** Answers pushes with this status, from the question before them on. */
  refusePushes: number | undefined;
  /** Sends every request on to this server. */
  redirectTo: string | undefined;
  /** The answer to the next pushes is thrown away after git has done its work. */
  dropAnswers: number;
  git(repository: string, ...args: string[]): string;
  /** How many requests were for this repository. */
  requestsTo(repository: string): number;
  /** An empty repository. */
  create(repository: string): void;
  /** Feeds a stream to git fast-import. */
  import(repository: string, stream: string | Buffer): void;
  /** A new commit on a branch of a repository, by a work tree that is thrown away; gives its id. */
  commit(
    repository: string,
    options?: { subject?: string; branch?: string; on?: string; files?: Record<string, string> },
  ): string;
  /** A root with a gitlink per submodule; all in the group `team`. */
  makeRoot(root: string, submodules: string[], more?: { modules?: string; paths?: Record<string, string> }): void;
  /** Where a gitlink of the root's branch points to. */
  pointer(root: string, path: string, branch?: string): string;
}

const ENV = {
  ...process.env,
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@b.example',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@b.example',
};

/** Starts it on loopback. `format` is the object format of every repository. */
export async function gitServer({ format = 'sha1', allowFilter = true } = {}): Promise<GitServer> {
  const folder = mkdtempSync('/tmp/fdt-git-');
  const paths: string[] = [];
  // Two commits of one second that are alike would be one commit: each call of git is a second later than the last.
  let now = Math.floor(Date.now() / 1000) - 86_400;
  const git = (repository: string, ...args: string[]) =>
    execFileSync('git', ['--git-dir', `${folder}/${repository}.git`, ...args], {
      encoding: 'utf8',
      env: { ...ENV, GIT_COMMITTER_DATE: `@${++now} +0000` },
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  const init = (repository: string) => {
    execFileSync(
      'git',
      ['init', '-q', '--bare', '-b', 'main', `--object-format=${format}`, `${folder}/${repository}.git`],
      { env: ENV },
    );
    git(repository, 'config', 'http.receivepack', 'true');
    git(repository, 'config', 'uploadpack.allowFilter', String(allowFilter));
    git(repository, 'config', 'uploadpack.allowAnySHA1InWant', 'true');
  };
  const server = createServer(
    (request, response) =>
      void answer(request).then(({ head, body, drop }) => {
        if (drop) return request.socket.destroy();
        response.writeHead(head.status, head.headers);
        response.end(body);
      }),
  );
  // On a busy machine git may pause longer than the five seconds after which Node closes a connection.
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as { port: number };
  const self: GitServer = {
    url: `http://127.0.0.1:${port}`,
    folder,
    requests: 0,
    authorizations: [],
    token: undefined,
    pushDelayMs: 0,
    refusePushes: undefined,
    redirectTo: undefined,
    dropAnswers: 0,
    git,
    requestsTo: (repository) => paths.filter((path) => path.startsWith(`/${repository}.git/`)).length,
    create: init,
    import: (repository, stream) => {
      execFileSync('git', ['--git-dir', `${folder}/${repository}.git`, 'fast-import', '--quiet'], {
        env: ENV,
        input: stream,
        maxBuffer: 1e8,
      });
    },
    commit: (repository, { subject = 'work', branch = 'main', on, files } = {}) => {
      const parent =
        on ?? (git(repository, 'for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`) || undefined);
      const tree = files
        ? buildTree(git, repository, files)
        : git(repository, 'hash-object', '-w', '-t', 'tree', '/dev/null');
      const commit = git(repository, 'commit-tree', tree, ...(parent ? ['-p', parent] : []), '-m', subject);
      git(repository, 'update-ref', `refs/heads/${branch}`, commit);
      return commit;
    },
    makeRoot: (root, submodules, { modules, paths = {} } = {}) => {
      mkdirSync(`${folder}/team`, { recursive: true });
      init(`team/${root}`);
      const text =
        modules ??
        submodules
          .map((name) => `[submodule "${name}"]\n\tpath = ${paths[name] ?? name}\n\turl = ../${name}.git\n`)
          .join('');
      const links: Record<string, string> = {};
      for (const name of submodules) {
        init(`team/${name}`);
        links[paths[name] ?? name] = `gitlink ${self.commit(`team/${name}`, { subject: 'first' })}`;
      }
      self.commit(`team/${root}`, {
        subject: 'root',
        files: { '.gitmodules': text, 'README.md': 'root\n', 'src/main.c': 'int x;\n', ...links },
      });
    },
    pointer: (root, path, branch = 'main') => git(`team/${root}`, 'ls-tree', branch, '--', path).split(/\s/)[2] ?? '',
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return self;

  async function answer(request: IncomingMessage) {
    self.requests += 1;
    paths.push(request.url ?? '');
    const authorization = request.headers.authorization;
    if (authorization) self.authorizations.push(authorization);
    const expected = self.token && `Basic ${Buffer.from(`x-access-token:${self.token}`).toString('base64')}`;
    if (expected && authorization !== expected) {
      return {
        head: { status: 401, headers: { 'www-authenticate': 'Basic realm="git"' } },
        body: Buffer.alloc(0),
        drop: false,
      };
    }
    if (self.redirectTo)
      return {
        head: { status: 302, headers: { location: `${self.redirectTo}${request.url}` } },
        body: Buffer.alloc(0),
        drop: false,
      };
    const url = new URL(request.url ?? '/', self.url);
    if (self.refusePushes && request.url?.includes('git-receive-pack'))
      return { head: { status: self.refusePushes, headers: {} }, body: Buffer.alloc(0), drop: false };
    const pushes = url.pathname.endsWith('/git-receive-pack') && request.method === 'POST';
    if (pushes) await sleep(self.pushDelayMs);
    const output = await backend(request, url);
    const drop = pushes && self.dropAnswers > 0;
    if (drop) self.dropAnswers -= 1;
    return { ...output, drop };
  }

  async function backend(request: IncomingMessage, url: URL) {
    const child = spawn('git', ['http-backend'], {
      env: {
        ...ENV,
        GIT_PROJECT_ROOT: folder,
        GIT_HTTP_EXPORT_ALL: '1',
        REMOTE_USER: 'someone',
        PATH_INFO: decodeURIComponent(url.pathname),
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method,
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
        GIT_PROTOCOL: request.headers['git-protocol']?.toString() ?? '',
      },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    child.stdin.on('error', () => undefined);
    request.pipe(child.stdin);
    const blocks: Buffer[] = [];
    for await (const block of child.stdout) blocks.push(block as Buffer);
    const whole = Buffer.concat(blocks);
    const end = whole.indexOf('\r\n\r\n');
    const headers: Record<string, string> = {};
    let status = 200;
    for (const line of whole.subarray(0, end).toString().split('\r\n')) {
      const [name = '', value = ''] = line.split(/:\s*/, 2);
      if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10);
      else if (name) headers[name] = value;
    }
    return { head: { status, headers }, body: whole.subarray(end + 4) };
  }
}

function buildTree(git: GitServer['git'], repository: string, files: Record<string, string>): string {
  const index = `/tmp/fdt-index-${process.pid}-${Math.random().toString(36).slice(2)}`;
  const run = (...args: string[]) =>
    execFileSync('git', ['--git-dir', git(repository, 'rev-parse', '--absolute-git-dir'), ...args], {
      encoding: 'utf8',
      env: { ...ENV, GIT_INDEX_FILE: index },
    }).trim();
  for (const [path, content] of Object.entries(files)) {
    if (content.startsWith('gitlink ')) {
      run('update-index', '--add', '--cacheinfo', `160000,${content.slice('gitlink '.length)},${path}`);
      continue;
    }
    writeFileSync(`${index}.blob`, content);
    const blob = run('hash-object', '-w', `${index}.blob`);
    run('update-index', '--add', '--cacheinfo', `100644,${blob},${path}`);
  }
  const tree = run('write-tree', '--missing-ok');
  rmSync(index, { force: true });
  rmSync(`${index}.blob`, { force: true });
  return tree;
}

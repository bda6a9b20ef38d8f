import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { describe, expect, it } from 'vitest';
import { type Step, step } from '../../support/action.ts';
import { type Forge, forge } from '../../support/forge.ts';
import { commandIn } from '../../support/runners.ts';

const TOKEN = 'user-token-0123456789';
const NO_GIT = 'http://127.0.0.1:1';

type Inputs = Record<string, string | number | boolean | undefined>;

function run(api: { url: string }, inputs: Inputs = {}, env: Record<string, string> = {}): Promise<Step> {
  return step('run-workflow', {
    inputs: { workflow: 'deploy.yml', token: TOKEN, ref: 'main', ...inputs },
    env: {
      GITHUB_SERVER_URL: api.url,
      GITHUB_REPOSITORY: 'team/service',
      GITHUB_API_URL: `${api.url}/api/v1`,
      ...env,
    },
  });
}

/** A forge whose run fails in one job with this log. */
async function failing(log: Forge['logs'][number], kind: Parameters<typeof forge>[0] = 'forgejo 17'): Promise<Forge> {
  const api = await forge(kind, NO_GIT);
  api.course = ['failure'];
  api.jobs = [
    { id: 1, name: 'lint', status: 'success' },
    { id: 2, name: 'build', status: 'failure' },
  ];
  api.logs[2] = log;
  return api;
}

const commandsIn = (log: string) =>
  log
    .split('\n')
    .flatMap((line) => commandIn(line) ?? [])
    .filter(({ name }) => name !== 'add-mask');

describe('the log of a job that failed', () => {
  it.each(['forgejo 17', 'gitea 1.27'] as const)('has its last lines printed, on %s', async (kind) => {
    const lines = Array.from({ length: 100 }, (_, at) => `2026-11-25T10:00:00.1234567Z line ${at}`);
    await using api = await failing(`${lines.join('\n')}\n2026-11-25T10:00:01Z error: no such crate\n`, kind);
    const { code, log } = await run(
      api,
      { wait: true },
      kind === 'forgejo 17' ? {} : { FORGEJO_ACTIONS: '', GITEA_ACTIONS: 'true' },
    );
    expect(code).toBe(1);
    expect(log).toContain('The last lines of job build:\n  | line 71\n');
    expect(log).toContain('  | line 99\n  | error: no such crate\n');
    expect(log).not.toContain('line 70');
    expect(log).not.toContain('job lint');
  });

  it('ends with the line that reports the failure, not with what the runner does afterwards', async () => {
    await using api = await failing('cargo build\n##[error]Process completed with exit code 101.\nCleaning up\nBye\n');
    const { log } = await run(api, { wait: true });
    expect(log).toContain('  | cargo build\n  | ##\\[error]Process completed with exit code 101.\n');
    expect(log).not.toContain('Cleaning up');
  });

  it('gives the runner of this job no command and the terminal no control character', async () => {
    const evil = [
      '::set-env name=A::b',
      '\t::add-path::/x',
      'a ##[set-env name=A]b',
      '\u001b[2Jx\r::stop-commands::y',
      '\u202eabc',
    ];
    await using api = await failing(`${evil.join('\n')}\n`);
    const { code, log } = await run(api, { wait: true });
    expect(code).toBe(1);
    expect(log).toContain('  | \\x1b[2Jx\\x0d::stop-commands::y');
    expect(commandsIn(log)).toEqual([]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of these may be there
    expect(log).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u202e]/);
  });

  it('of a gigabyte is read within memory, also from a server that sends all of it', async () => {
    const block = `${'x'.repeat(1023)}\n`.repeat(1024);
    await using api = await failing((response) => {
      let left = 300;
      const more = () => {
        while (left > 0) {
          left -= 1;
          if (!response.write(block)) return void response.once('drain', more);
        }
        response.end('the end\n');
      };
      more();
    });
    const { code, log } = await run(api, { wait: true }, { NODE_OPTIONS: '--max-old-space-size=64' });
    expect(code).toBe(1);
    expect(log).toContain('  | the end\n');
    expect(log.length).toBeLessThan(40_000);
  });

  it('that breaks off, or is not there leaves the result as it is', async () => {
    for (const log of [
      (response: { destroy(): void; write(text: string): void }) => {
        response.write('half a li');
        response.destroy();
      },
      '',
    ] as Forge['logs'][number][]) {
      await using api = await failing(log);
      const { code, log: text, outputs } = await run(api, { wait: true });
      expect(code).toBe(1);
      expect(text).toContain('Job build failed; its log could not be read');
      expect(outputs.result).toBe('failure');
    }
  });

  it('is named where it can be read when the API has none', async () => {
    await using api = await failing('x', 'forgejo 15');
    const { log } = await run(api, { wait: true });
    expect(log).toContain(`read them at ${api.url}/team/gb/actions/runs/10`);
  });

  it('is read from the store that a forge keeps it in, which gets no token', async () => {
    let seen: IncomingHttpHeaders | undefined;
    const store = createServer((request, response) => {
      seen = request.headers;
      response.end('from the store\n');
    });
    await new Promise<void>((listening) => store.listen(0, '127.0.0.1', listening));
    const { port } = store.address() as { port: number };
    await using api = await failing((response) => {
      response.writeHead(302, { location: `http://127.0.0.1:${port}/blob?signature=x` }).end();
    });
    const { log } = await run(api, { wait: true });
    store.close();
    expect(log).toContain('  | from the store\n');
    expect(seen?.authorization).toBeUndefined();
  });
});

describe('an answer to the start', () => {
  const page = `<html>${'<p>log in</p>'.repeat(200_000)}</html>`;
  it.each([
    [401, { message: `invalid token ${TOKEN}` }, 'the token is refused (401).'],
    [403, { message: 'no scope' }, 'the token lacks permission (403).'],
    [
      404,
      { message: 'Not Found' },
      'the repository or the workflow was not found, or is not visible to this token (404).',
    ],
    [422, { message: 'Required input target not provided' }, 'the forge refused the request (422).'],
    [500, { message: 'Workflow not found' }, 'the forge failed (500).'],
    [201, '{"id": 4', 'the answer (201) is not JSON'],
    [200, page, 'the answer (200) is not JSON'],
    [200, `"${'x'.repeat(9_000_000)}"`, 'its answer is longer than 8388608 bytes'],
    [403, { message: '\u001b[31m::set-env name=A::b\n::add-path::x' }, 'the token lacks permission (403).'],
  ])('%i %j ends the step with its cause, once', async (status, body, why) => {
    await using api = await forge('forgejo 15', NO_GIT);
    api.refuse = {
      status,
      body: typeof body === 'string' ? body : JSON.stringify(body),
      times: 9,
      path: /dispatches/,
    };
    const { code, log } = await run(api);
    expect(code).toBe(1);
    expect(log).toContain(why);
    expect(log.length).toBeLessThan(10_000);
    expect(log.replace(/^::add-mask::.*$/gm, '')).not.toContain(TOKEN);
    expect(commandsIn(log)).toEqual([]);
    expect(log).not.toContain('\u001b');
    expect(api.asked.filter((asked) => asked.includes('dispatches'))).toHaveLength(1);
  });

  it('from another address gets no token there', async () => {
    await using other = await forge('forgejo 15', NO_GIT);
    await using api = await forge('forgejo 15', NO_GIT);
    api.refuse = { status: 307, body: '', times: 99, headers: { location: `${other.url}/api/v1/repos/team/service` } };
    const { code, log } = await run(api);
    expect(code).toBe(1);
    expect(log).toContain(`the forge redirects to ${other.url}`);
    expect(other.asked).toEqual([]);
  });

  it('that asks to slow down is obeyed where that is soon, and reported otherwise', async () => {
    await using api = await forge('github', NO_GIT);
    const github = { FORGEJO_ACTIONS: '', GITHUB_API_URL: `${api.url}/api/v3` };
    const limited = { status: 403, body: '{"message":"API rate limit exceeded"}', path: /actions\/runs\?/ };
    api.refuse = { ...limited, times: 1, headers: { 'retry-after': '1' } };
    const soon = await run(api, { wait: true }, github);
    expect(soon.code, soon.log).toBe(0);
    api.refuse = { ...limited, times: 9, headers: { 'retry-after': '1800' } };
    const late = await run(api, { wait: true }, github);
    expect(late.code).toBe(1);
    expect(late.log).toMatch(
      /why: {4}the forge is limiting the rate of requests \(403\)\.(%0A|\n) {2}do: {5}re-run the job in 1800 s\./,
    );
  });

  it('from a server with a certificate that nobody vouches for is refused by its cause', async () => {
    const folder = mkdtempSync('/tmp/fdt-tls-');
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'].concat(
        ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
        ['-keyout', `${folder}/key`, '-out', `${folder}/certificate`],
      ),
      { stdio: 'pipe' },
    );
    const [key, cert] = ['key', 'certificate'].map((name) => readFileSync(`${folder}/${name}`));
    const server = createTlsServer({ key, cert }, (_, response) => void response.end('{}'));
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as { port: number };
    const asked = (url: string, env = {}) => run({ url }, { wait: true }, env);
    const certificate = { NODE_EXTRA_CA_CERTS: `${folder}/certificate` };
    const [unknown, other, plain] = await Promise.all([
      asked(`https://localhost:${port}`),
      asked(`https://127.0.0.1:${port}`, certificate),
      asked(`https://localhost:${(await plainPort()).port}`),
    ]);
    server.close();
    rmSync(folder, { recursive: true });
    expect(unknown.log).toContain('its certificate is self-signed (DEPTH_ZERO_SELF_SIGNED_CERT).');
    expect(unknown.log).toContain('NODE_EXTRA_CA_CERTS');
    expect(other.log).toContain('its certificate is for another host name (ERR_TLS_CERT_ALTNAME_INVALID).');
    expect(plain.log).toContain('it does not answer in TLS');
  });
});

async function plainPort(): Promise<{ port: number }> {
  const plain = createServer((_, response) => void response.end('{}')).unref();
  await new Promise<void>((listening) => plain.listen(0, '127.0.0.1', listening));
  return plain.address() as { port: number };
}

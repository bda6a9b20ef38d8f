import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, expect, test } from 'vitest';

const ROOT = new URL('../../', import.meta.url).pathname;
const TAG = `v${JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')).version}`;
const MAJOR = TAG.split('.')[0] as string;
/** What the program reads. */
const USED = ['scripts/release.mjs', 'scripts/checks/run.mjs', 'CHANGELOG.md', 'package.json', 'dist'];
const TOKEN = 'token-of-the-job';

let folder = '';
let forge: Server | undefined;
beforeEach(() => {
  folder = mkdtempSync(`${tmpdir()}/fdt-publish-`);
  git('init', '-q', '--bare', '-b', 'main', 'origin.git');
  git('init', '-q', '-b', 'main', 'work');
  for (const name of USED) cpSync(ROOT + name, `${folder}/work/${name}`, { recursive: true });
  git('-C', 'work', 'remote', 'add', 'origin', `${folder}/origin.git`);
  git('-C', 'work', 'add', '.');
  git('-C', 'work', 'commit', '-q', '-m', 'release: a test');
  git('-C', 'work', 'tag', TAG);
});
afterEach(() => {
  forge?.close();
  rmSync(folder, { recursive: true, force: true });
});

test('a release that an earlier attempt created gets the text, and the major tag is moved', async () => {
  const requests: string[] = [];
  const api = await startForge(({ method, url }) => {
    requests.push(`${method} ${url}`);
    if (method === 'POST') return { status: 409 };
    return { status: 200, body: { id: 7 } };
  });
  const { code, output } = await release({ API: api });
  expect(code, output).toBe(0);
  expect(requests).toEqual(['POST /releases', `GET /releases/tags/${TAG}`, 'PATCH /releases/7']);
  expect(git('--git-dir', 'origin.git', 'rev-parse', MAJOR)).toBe(git('-C', 'work', 'rev-parse', 'HEAD'));
});

test('a forge that refuses the release leaves the major tag where it is', async () => {
  const { code, output } = await release({ API: await startForge(() => ({ status: 403 })) });
  expect(code).toBe(1);
  expect(output).toContain('Error: the forge answered 403 when the release was created');
  expect(git('--git-dir', 'origin.git', 'tag', '--list')).toBe('');
});

test('the token reaches the server of the push, and no other', async () => {
  const seen: (string | undefined)[] = [];
  const server = await startForge(({ url, headers }) => {
    if (url?.startsWith('/releases')) return { status: 201, body: {} };
    seen.push(headers.authorization);
    return { status: 403 };
  });
  const basic = `Basic ${Buffer.from(`x-access-token:${TOKEN}`).toString('base64')}`;
  git('-C', 'work', 'remote', 'set-url', 'origin', `${server}/team/toolkit.git`);
  const refused = await release({ API: server, GITHUB_SERVER_URL: server });
  expect(refused.code).toBe(1);
  expect(seen).toEqual([basic]);
  await release({ API: server, GITHUB_SERVER_URL: 'https://elsewhere.example' });
  expect(seen).toEqual([basic, undefined]);
  expect(refused.output).not.toContain(TOKEN);
});

async function startForge(answer: (request: IncomingMessage) => { status: number; body?: object }): Promise<string> {
  forge = createServer((request, response) => {
    const { status, body } = answer(request);
    request.resume();
    response.writeHead(status).end(JSON.stringify(body ?? {}));
  });
  await new Promise<void>((listening) => forge?.listen(0, '127.0.0.1', listening));
  return `http://127.0.0.1:${(forge.address() as { port: number }).port}`;
}

async function release(env: Record<string, string>): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, ['scripts/release.mjs'], {
    cwd: `${folder}/work`,
    env: { PATH: process.env.PATH, HOME: folder, GITHUB_SERVER_URL: 'http://127.0.0.1', TAG, TOKEN, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 50_000,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const code = await new Promise<number | null>((closed) => child.on('close', closed));
  return { code, output };
}

function git(...words: string[]): string {
  const names = ['-c', 'user.name=a', '-c', 'user.email=a@b.example'];
  return execFileSync('git', ['-C', folder, ...names, ...words], { encoding: 'utf8', stdio: 'pipe' }).trim();
}

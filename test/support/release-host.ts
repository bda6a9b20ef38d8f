import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
} from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Account, account } from './accounts.ts';
import { type StartedStep, type Step, start } from './action.ts';
import { freePort, type Sshd, sshd } from './sshd.ts';
import type { Health } from './target.ts';

/** One program of a host for releases. */
export interface HostPart {
  name: string;
  destination: string;
  logFile: string;
  port: number;
  health(): Promise<Health | undefined>;
  pids(): number[];
  /** Its state folder. */
  state: string;
  startByHand(program: string): Promise<void>;
}

/** A production host in small with several programs of one service account. */
export interface ReleaseHost extends AsyncDisposable {
  sshd: Sshd;
  service: Account;
  root: string;
  parts: HostPart[];
  /** The inputs of every release here: part `n` gets `sources[n]`, and what `keys` says of it. */
  inputs(sources: readonly (string | undefined)[], keys?: readonly string[][]): Record<string, string | number>;
  release(inputs: Record<string, string | number | boolean | undefined>): Promise<Step>;
  startRelease(inputs: Record<string, string | number | boolean | undefined>): StartedStep;
  /** What runs: the version of each part. */
  versions(): Promise<(string | undefined)[]>;
  /** Release folders that are left. */
  leftovers(): string[];
}

export async function releaseHost(names: readonly string[] = ['server', 'ui']): Promise<ReleaseHost> {
  const server = await sshd({ config: 'MaxSessions 10' });
  const service = account();
  const root = mkdtempSync('/opt/fdt-');
  chmodSync(root, 0o755);
  mkdirSync(`${root}/logs`);
  chownSync(`${root}/logs`, service.uid, service.uid);
  const parts: HostPart[] = [];
  for (const name of names) parts.push(await hostPart(root, { name, service }));
  const usual = {
    host: `root@127.0.0.1:${server.port}`,
    'ssh-key': server.key,
    'known-hosts': server.knownHosts,
  };
  const startRelease: ReleaseHost['startRelease'] = (inputs) => start('deploy-release', { inputs });
  return {
    sshd: server,
    service,
    root,
    parts,
    inputs: (sources, keys = []) => ({
      ...usual,
      parts: parts
        .flatMap((part, at) => (sources[at] === undefined ? [] : [partText(part, sources[at], keys[at] ?? [])]))
        .join('\n'),
    }),
    startRelease,
    release: (inputs) => startRelease(inputs).ended,
    versions: async () => (await Promise.all(parts.map((part) => part.health()))).map((health) => health?.version),
    leftovers: () =>
      parts.flatMap(({ state }) =>
        existsSync(state) ? readdirSync(state).filter((name) => name.startsWith('release.')) : [],
      ),
    [Symbol.asyncDispose]: async () => {
      for (const pid of parts.flatMap((part) => part.pids())) process.kill(pid, 'SIGKILL');
      await server[Symbol.asyncDispose]();
      service[Symbol.dispose]();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

function partText(part: HostPart, source: string, keys: readonly string[]): string {
  const given = new Set(keys.map((key) => key.split(':')[0]));
  const usual = [
    `to: ${part.destination}`,
    `args: --port ${part.port}`,
    `log-file: ${part.logFile}`,
    `health-url: http://localhost:${part.port}/api/health`,
    'health-timeout-seconds: 5',
    'stable-seconds: 0.3',
  ].filter((line) => !given.has(line.split(':')[0]));
  return [`- binary: ${source}`, ...[...usual, ...keys].map((line) => `  ${line}`)].join('\n');
}

async function hostPart(root: string, { name, service }: { name: string; service: Account }): Promise<HostPart> {
  const folder = `${root}/${name}`;
  mkdirSync(folder);
  chownSync(folder, service.uid, service.uid);
  const destination = `${folder}/${name}`;
  const port = await freePort();
  const logFile = `${root}/logs/${name}.log`;
  const self: HostPart = {
    name,
    destination,
    logFile,
    port,
    state: `${folder}/.${name}.deploy`,
    health: async () => {
      try {
        const answer = await fetch(`http://127.0.0.1:${port}/api/health`, { signal: AbortSignal.timeout(3000) });
        return (await answer.json()) as Health;
      } catch {
        return undefined;
      }
    },
    pids: () =>
      readdirSync('/proc')
        .filter((pid) => /^\d+$/.test(pid) && linkOf(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, '') === destination)
        .map(Number),
    startByHand: async (program) => {
      copyFileSync(program, destination);
      chownSync(destination, service.uid, service.uid);
      chmodSync(destination, 0o755);
      const command = `cd ${folder} && exec setsid ./${name} --port ${port} </dev/null >>${logFile} 2>&1 &`;
      spawn('su', ['-s', '/bin/sh', service.name, '-c', command], { stdio: 'ignore', detached: true });
      for (let tried = 0; tried < 100 && (await self.health()) === undefined; tried += 1) await sleep(20);
    },
  };
  return self;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** The pid of the detached transaction that works in a state folder now; undefined before there is one. */
export function transactionIn(state: string): number | undefined {
  const path = `${state}/handed`;
  const [, pid] = existsSync(path) ? readFileSync(path, 'utf8').split(' ') : [];
  return Number(pid) || undefined;
}

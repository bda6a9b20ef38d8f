import { execFileSync, spawn } from 'node:child_process';
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
import { freePort, type Sshd, type SshdOptions, sshd } from './sshd.ts';

/** A production host in small: a service account, its folders, an sshd, and a program somebody started by hand. */
export interface TestTarget extends AsyncDisposable {
  sshd: Sshd;
  service: Account;
  folder: string;
  /** The file's name. */
  name: string;
  destination: string;
  logFile: string;
  port: number;
  /** Puts a program there and starts it as people do: `cd` and `./NAME`. */
  startByHand(program: string): Promise<void>;
  /** The same on another port, as if it had found its own taken. */
  startElsewhere(program: string): Promise<void>;
  /** Another program of the service account on the same port; gives its pid. */
  startSquatter(program: string): Promise<number>;
  /** What `/api/health` answers; undefined when nothing does. */
  health(): Promise<Health | undefined>;
  /** The inputs of every deploy here, unless a test says otherwise. */
  usual: Record<string, string | number>;
  /** A deploy with the usual inputs. */
  deploy(inputs: Record<string, string | number | boolean | undefined>, env?: Record<string, string>): Promise<Step>;
  startDeploy(inputs: Record<string, string | number | boolean | undefined>, env?: Record<string, string>): StartedStep;
  /** Pids that execute the destination file or a deleted image of it. */
  pids(): number[];
  /** What is in the state folder, kept releases aside. */
  stateFiles(): string[];
}

export interface Health {
  version: string;
  pid: number;
  uid: number;
  cwd: string;
  stdin: string;
  env: string[];
}

/** Makes it. `shell` is the login shell of the service account; its folders are made in `base`, the file is called `name`. */
export async function target({
  shell = '/bin/sh',
  base = '/opt',
  name = 'botserver',
  ...options
}: SshdOptions & { shell?: string; base?: string; name?: string } = {}): Promise<TestTarget> {
  const server = await sshd(options);
  const service = account({ shell });
  const root = mkdtempSync(`${base}/fdt-`);
  chmodSync(root, 0o755);
  const folder = `${root}/bin`;
  for (const made of [folder, `${root}/logs`]) {
    mkdirSync(made);
    chownSync(made, service.uid, service.uid);
  }
  const port = await freePort();
  const destination = `${folder}/${name}`;
  const logFile = `${root}/logs/error.log`;
  const usual = {
    host: `root@127.0.0.1:${server.port}`,
    'ssh-key': server.key,
    'known-hosts': server.knownHosts,
    destination,
    args: `--port ${port}`,
    'log-file': logFile,
    'health-url': `http://localhost:${port}/api/health`,
    'health-timeout-seconds': 5,
    'stable-seconds': 0.3,
  };
  const startDeploy: TestTarget['startDeploy'] = (inputs, env) =>
    start('deploy-binary', { inputs: { ...usual, ...inputs }, ...(env ? { env } : {}) });
  const pids = () =>
    readdirSync('/proc')
      .filter(
        (pid) => /^\d+$/.test(pid) && [destination, `${destination} (deleted)`].includes(linkOf(`/proc/${pid}/exe`)),
      )
      .map(Number);
  const self: TestTarget = {
    sshd: server,
    service,
    folder,
    name,
    destination,
    logFile,
    port,
    startByHand: async (program) => {
      copyFileSync(program, destination);
      chownSync(destination, service.uid, service.uid);
      chmodSync(destination, 0o755);
      const command = `cd ${folder} && exec setsid ./${name} --port ${port} </dev/null >>${logFile} 2>&1 &`;
      spawn('su', ['-s', '/bin/sh', service.name, '-c', command], { stdio: 'ignore', detached: true });
      for (let tried = 0; tried < 100 && (await self.health()) === undefined; tried += 1) await sleep(20);
    },
    startElsewhere: async (program) => {
      copyFileSync(program, destination);
      chmodSync(destination, 0o755);
      spawn(destination, ['--port', String(await freePort())], { stdio: 'ignore', uid: service.uid, gid: service.uid });
      await sleep(200);
    },
    startSquatter: async (program) => {
      copyFileSync(program, `${root}/squatter`);
      const squatter = spawn(`${root}/squatter`, ['--port', String(port)], {
        stdio: 'ignore',
        uid: service.uid,
        gid: service.uid,
      });
      for (let tried = 0; tried < 100 && (await self.health()) === undefined; tried += 1) await sleep(20);
      return squatter.pid ?? 0;
    },
    health: async () => {
      try {
        return (await (
          await fetch(`http://127.0.0.1:${port}/api/health`, { signal: AbortSignal.timeout(3000) })
        ).json()) as Health;
      } catch {
        return undefined;
      }
    },
    usual,
    startDeploy,
    deploy: (inputs, env) => startDeploy(inputs, env).ended,
    pids,
    stateFiles: () => {
      const state = `${folder}/.${name}.deploy`;
      return existsSync(state) ? readdirSync(state).sort() : [];
    },
    [Symbol.asyncDispose]: async () => {
      for (const pid of pids()) process.kill(pid, 'SIGKILL');
      await server[Symbol.asyncDispose]();
      service[Symbol.dispose]();
      rmSync(root, { recursive: true, force: true });
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

/** The text of a file, empty when there is none. */
export function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** Runs a command and gives what it prints. */
export function shell(command: string): string {
  return execFileSync('/bin/sh', ['-c', command], { encoding: 'utf8' });
}

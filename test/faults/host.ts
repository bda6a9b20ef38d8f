import { randomBytes } from 'node:crypto';
import { appendFileSync, chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import ssh2 from 'ssh2';
import { type StartedStep, start } from '../support/action.ts';
import { keepFor } from '../support/kept.ts';
import { type Behaviour, program, sha256 } from '../support/programs.ts';
import { type Proxy as FaultyProxy, proxy } from '../support/proxy.ts';
import { shell, type TestTarget, target, textOf } from '../support/target.ts';
import type { Case, FaultName, Phase } from './cases.ts';
import { family, programOf } from './processes.ts';

/** A target under test, its runner's folder, and what both must not tell. */
export interface FaultyHost extends AsyncDisposable {
  target: TestTarget;
  /** The deploy under test goes through it. */
  between: FaultyProxy;
  state: string;
  /** HOME, TMPDIR and RUNNER_TEMP of the steps. */
  scratch: string;
  /** The runner's tool cache. */
  cache: string;
  /** The target has that program no more. */
  hideTool(name: string): void;
  /** The day the target's clock says, as `date` prints it: an offset in seconds. */
  setClock(offsetSeconds: number): void;
  /** From now on writing is as fast as it is here. */
  hurry(): void;
  /** The program that runs, and the one that the deploy under test brings. */
  old: string;
  fresh: string;
  /** What each is called, by digest: `v1` the old one, `v2` the fresh one, those that come later, and an attacker's. */
  versions: ReadonlyMap<string, string>;
  secrets: Secrets;
  /** The deploy under test. */
  deploy(): StartedStep;
  /** Another one, straight to the target. */
  deployOther(source: string, runNumber: number): StartedStep;
  /** Its post step, with what it saved as environment; the connection is well again. */
  post(saved: Record<string, string>): StartedStep;
  /** verify-deploy, straight to the target: whether this is there, runs and is healthy. */
  verify(source: string): StartedStep;
  /** The program of the deploy that works on the target now: the transaction, or else the session's. */
  worker(): number | undefined;
}

type Inputs = Record<string, string | number | boolean | undefined>;

export interface Secrets {
  passphrase: string;
  environment: string;
  keyLines: string[];
}

const BEHAVIOURS: Partial<Record<FaultName, Behaviour>> = {
  'exits-at-once': 'exits at once',
  'exits-later': 'exits after 900 ms',
  hangs: 'hangs',
  'answers-500': 'answers 500',
  'never-listens': 'never listens',
  'wrong-port': 'listens on the wrong port',
  'forks-away': 'forks away',
};
const PHASE_BEHAVIOURS: Partial<Record<Phase, Behaviour>> = { health: 'starts slowly', rollback: 'never listens' };
// A shell killed in root's own ~/.bashrc could leave a lock of whatever that starts, for everybody here: bash reads it not at
// this level.
const NO_PROFILE = 'SetEnv SHLVL=2';
const SOUND: Behaviour[] = ['healthy', 'starts slowly', 'forks away'];
const UPLOAD_BYTES = 2_000_000;
const UPLOAD_BYTES_PER_SECOND = 4e6;
const FILE_SYSTEM_MEGABYTES = 24;

/** Makes it as the case wants it, with its old version running. */
export async function faultyHost(c: Case): Promise<FaultyHost> {
  const undo: (() => unknown)[] = [];
  const end = async () => {
    for (const step of undo.reverse()) await step();
  };
  try {
    return { ...(await make(c, undo)), [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

async function make(c: Case, undo: (() => unknown)[]): Promise<Omit<FaultyHost, keyof AsyncDisposable>> {
  const made = (folder: string) => {
    undo.push(() => rmSync(folder, { recursive: true, force: true }));
    return folder;
  };
  const shims = made(mkdtempSync('/opt/fdt-shims-'));
  const scratch = made(mkdtempSync('/opt/fdt-runner-'));
  const cache = made(mkdtempSync('/opt/fdt-cache-'));
  slowDisk(shims);
  const base = c.fault === 'disk-full' ? smallDisk(made(mkdtempSync('/opt/fdt-disk-')), undo) : '/opt';
  // An account that is not root may not know whether another's process of the same name executes the file.
  const name = `service-${randomBytes(3).toString('hex')}`;
  const host = await target({ within: inNamespace(shims), base, name, config: NO_PROFILE });
  undo.push(() => host[Symbol.asyncDispose]());
  const between = await proxy(host.sshd.port, c.phase === 'upload' ? { bytesPerSecond: UPLOAD_BYTES_PER_SECOND } : {});
  undo.push(() => between[Symbol.asyncDispose]());
  const { secrets, key } = makeSecrets(host.sshd.folder);
  const old = program('v1', c.phase === 'stop' ? 'ignores TERM' : 'healthy');
  const behaviour = BEHAVIOURS[c.fault] ?? PHASE_BEHAVIOURS[c.phase] ?? 'healthy';
  const fresh = program('v2', behaviour, UPLOAD_BYTES);
  await host.startByHand(old);
  const login = c.login === 'root' ? 'root' : host.service.name;
  if (c.transfer === 'delta') {
    const { destination } = host;
    for (const { port } of [host.sshd, between])
      keepFor(cache, old, { host: `${login}@127.0.0.1:${port}`, destination });
  }
  const connection: Inputs = {
    host: `${login}@127.0.0.1:${host.sshd.port}`,
    'ssh-key': key,
    'ssh-key-passphrase': secrets.passphrase,
    'known-hosts': host.sshd.knownHosts,
  };
  const inputs: Inputs = {
    ...host.usual,
    ...connection,
    // Where an account may have moved its file away, nothing else says whose the program is.
    ...(c.fault === 'hostile-account' ? { owner: host.service.name, mode: '0755', 'run-as': host.service.name } : {}),
    environment: `APP_TOKEN=${secrets.environment}`,
    strategy: c.strategy,
    transport: c.transport,
    transfer: c.transfer === 'delta' ? 'delta' : c.phase === 'upload' ? 'plain' : 'auto',
    'stop-timeout-seconds': 1,
    // Only what never becomes healthy is waited for so long.
    'health-timeout-seconds': SOUND.includes(behaviour) ? 20 : 3,
    'stable-seconds': c.phase === 'stable' ? 1.2 : 0.3,
  };
  const state = `${host.folder}/.${host.name}.deploy`;
  const step = (action: string, given: Inputs, env = {}) =>
    start(action, {
      inputs: given,
      env: { HOME: scratch, TMPDIR: scratch, RUNNER_TEMP: scratch, RUNNER_TOOL_CACHE: cache, ...env },
    });
  const faulty = {
    ...inputs,
    ...(c.fault.startsWith('connection') ? { 'connect-timeout-seconds': 3, 'keepalive-seconds': 1 } : {}),
    source: fresh,
    host: `${login}@127.0.0.1:${between.port}`,
    'known-hosts': host.sshd.knownHosts.replaceAll(`:${host.sshd.port} `, `:${between.port} `),
  };
  return {
    target: host,
    between,
    state,
    scratch,
    cache,
    hideTool: (tool) =>
      void shell(
        `nsenter -m -t ${host.sshd.process.pid} mount --bind /dev/null "$(readlink -f "$(command -v ${tool})")"`,
      ),
    setClock: (offsetSeconds) => writeClock(shims, offsetSeconds),
    hurry: () => {
      for (const shim of ['sync', 'mv']) rmSync(`${shims}/${shim}`, { force: true });
    },
    old,
    fresh,
    versions: versionsOf({ v1: old, v2: fresh, v3: program('v3'), v4: program('v4'), payload: program('payload') }),
    secrets,
    deploy: () => step('deploy-binary', faulty),
    post: (saved) => step('deploy-binary', { ...inputs, source: fresh }, saved),
    deployOther: (source, runNumber) =>
      step('deploy-binary', { ...inputs, source }, { GITHUB_RUN_NUMBER: String(runNumber) }),
    verify: (source) =>
      step('verify-deploy', {
        ...connection,
        source,
        path: host.destination,
        'health-url': host.usual['health-url'],
      }),
    worker: () => transactionOf(state) ?? sessionShellOf(host),
  };
}

function versionsOf(paths: Record<string, string>): Map<string, string> {
  return new Map(Object.entries(paths).map(([name, path]) => [sha256(path), name]));
}

/** A mount namespace of the server's own, where the shims come first in PATH; no limit keeps a core dump away. */
function inNamespace(shims: string): string[] {
  const enter = `mount --bind ${shims} /usr/local/sbin && exec prlimit --core=unlimited "$@"`;
  return ['unshare', '-m', '--propagation', 'slave', '--', '/bin/sh', '-c', enter, 'sh'];
}

/** A file system of its own; made before the server has a mount namespace, so that it is in there too. */
function smallDisk(folder: string, undo: (() => unknown)[]): string {
  shell(`mount -t tmpfs -o size=${FILE_SYSTEM_MEGABYTES}m,mode=755 fdt-faults ${folder}`);
  undo.push(() => shell(`umount -l ${folder}`));
  return folder;
}

/** Writing takes its time, as on a real disk, so that the short phases are long enough to be hit in their middle. */
function slowDisk(shims: string): void {
  chmodSync(shims, 0o755);
  writeShim(`${shims}/sync`, 'sleep 0.03; exec /usr/bin/sync "$@"');
  writeShim(`${shims}/mv`, 'sleep 0.02; /usr/bin/mv "$@"; code=$?; sleep 0.02; exit $code');
}

/** The kernel's clock is everybody's on this machine; what the programs ask is `date`. */
function writeClock(shims: string, offsetSeconds: number): void {
  writeShim(`${shims}/date`, `exec /usr/bin/date -d "@$(($(/usr/bin/date +%s) + ${offsetSeconds}))" "$@"`);
}

function writeShim(path: string, line: string): void {
  writeFileSync(path, `#!/bin/sh\n${line}\n`, { mode: 0o755 });
}

/** Made in memory: whatever file holds them is a finding. */
function makeSecrets(sshdFolder: string): { secrets: Secrets; key: string } {
  const passphrase = `fdt-secret-${randomBytes(9).toString('hex')}`;
  const { private: key, public: line } = soundKeyPair(passphrase);
  appendFileSync(`${sshdFolder}/authorized_keys`, `${line}\n`);
  // The first line of the body is the same in every such key.
  const keyLines = key
    .split('\n')
    .filter((text) => text.length > 40)
    .slice(1);
  return { secrets: { passphrase, environment: `fdt-secret-${randomBytes(9).toString('hex')}`, keyLines }, key };
}

/** The generator forgets the leading zero of one key in 256, which nobody can read then. */
function soundKeyPair(passphrase: string) {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519', { passphrase, cipher: 'aes256-ctr', rounds: 1 });
    if (!(ssh2.utils.parseKey(pair.private, passphrase) instanceof Error)) return pair;
  }
}

function transactionOf(state: string): number | undefined {
  const [, pid, start] = textOf(`${state}/handed`).trim().split(' ');
  // Its number may be another's by now.
  const fields = textOf(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? [];
  return pid && fields[19] === start ? Number(pid) : undefined;
}

function sessionShellOf(host: TestTarget): number | undefined {
  return family(host.sshd.process.pid ?? 0).find((pid) => /\/(da|ba)?sh$/.test(programOf(pid)));
}

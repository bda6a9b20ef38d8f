import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { BRIDGE } from './lxd/folder.mjs';
import { image, type Shape } from './lxd/images.ts';
import { type Answer, answerOf, lxc } from './lxd/lxc.ts';

/** A host of its own: an LXD container with its own init, accounts, network and SSH server. */
export interface Container extends AsyncDisposable {
  name: string;
  /** On the tests' own bridge. */
  address: string;
  /** The known_hosts line of its SSH server. */
  knownHosts: string;
  /** Runs shell commands as root; gives what they print, throws when they fail. */
  sh(commands: string, input?: string): Promise<string>;
  /** The same, for commands that may fail. */
  tried(commands: string): Promise<Answer>;
  /** Puts a file there, executable. */
  push(file: string, path: string): Promise<void>;
  /** Adds an account that the key may log in to. */
  account(name: string, publicKey: string): Promise<void>;
  /** Pulls the plug. */
  stopHard(): Promise<void>;
  start(): Promise<void>;
}

/** What it takes to reach a container that runs already. */
export interface Known {
  shape: Shape;
  name: string;
  address: string;
  knownHosts: string;
}

/** Launches one; `config` are LXD's own settings. Deleted at the end of the scope. */
export async function container(shape: Shape, name: string, config: Record<string, string> = {}): Promise<Container> {
  const full = `${name}-${randomBytes(3).toString('hex')}`;
  const address = await inTurn(async () => {
    const free = await freeAddress();
    const settings = { 'security.privileged': 'true', 'user.address': free, ...BOOT[shape], ...config };
    const words = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
    await lxc(['init', await image(shape), full, ...words]);
    return free;
  });
  const self = containerOf({ shape, name: full, address, knownHosts: '' });
  try {
    self.knownHosts = `${address} ${await makeHostKey(shape, full)}`;
    await self.start();
    return self;
  } catch (error) {
    await self[Symbol.asyncDispose]();
    throw error;
  }
}

/** A container that is there. */
export function containerOf({ shape, name, address, knownHosts }: Known): Container {
  const sh: Container['sh'] = (commands, input = '') =>
    lxc(['exec', name, '-T', '--', '/bin/sh', '-c', commands], { input });
  const push = ['file', 'push', '--quiet', '--create-dirs', '--mode=0755', '--uid=0', '--gid=0'];
  const self: Container = {
    name,
    address,
    knownHosts,
    sh,
    tried: (commands) => answerOf(['exec', name, '-T', '--', '/bin/sh', '-c', commands]),
    push: async (file, path) => {
      await lxc([...push, file, `${name}${path}`]);
    },
    account: async (account, publicKey) => {
      await sh(addAccount(shape, account), `${publicKey.trim()}\n`);
    },
    stopHard: async () => {
      await lxc(['stop', '--force', name]);
    },
    start: async () => {
      await lxc(['start', name]);
      await sh(`ip addr add ${address}/24 dev eth0 && ip link set eth0 up && ip link set lo up`);
      if (shape !== 'busybox') await booted(self);
      await listens(address);
    },
    [Symbol.asyncDispose]: async () => {
      await lxc(['delete', '--force', name]);
    },
  };
  return self;
}

// From version 256 on, systemd boots on a machine with the control groups of old only when its command line says so.
const OLD_GROUPS = existsSync('/sys/fs/cgroup/systemd');
const LEGACY = 'SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1 systemd.unified_cgroup_hierarchy=0';
const BOOT: Record<Shape, Record<string, string>> = {
  debian: {},
  busybox: {},
  uutils: OLD_GROUPS ? { 'raw.lxc': `lxc.init.cmd = /sbin/init ${LEGACY}` } : {},
};

const OPENSSH_KEY = '/etc/ssh/ssh_host_ed25519_key';
const HOST_KEY = {
  debian: OPENSSH_KEY,
  uutils: OPENSSH_KEY,
  busybox: '/etc/dropbear/dropbear_ed25519_host_key',
};

/** Every container has a host key of its own; gives its public half. */
async function makeHostKey(shape: Shape, name: string): Promise<string> {
  const folder = mkdtempSync('/tmp/fdt-host-key-');
  try {
    const key = `${folder}/key`;
    if (shape !== 'busybox') execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    else writeFileSync(`${key}.pub`, execFileSync('dropbearkey', ['-t', 'ed25519', '-f', key], { stdio: 'pipe' }));
    chmodSync(key, 0o600);
    await lxc(['file', 'push', '--quiet', '--mode=0600', '--uid=0', '--gid=0', key, `${name}${HOST_KEY[shape]}`]);
    return /ssh-ed25519 \S+/.exec(readFileSync(`${key}.pub`, 'utf8'))?.[0] ?? '';
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const WORKERS = 6;
const ADDRESSES = 40;

let turn: Promise<unknown> = Promise.resolve();

/** Two containers made at once must not take the same address. */
function inTurn<T>(act: () => Promise<T>): Promise<T> {
  const mine = turn.then(act);
  turn = mine.catch(() => undefined);
  return mine;
}

async function freeAddress(): Promise<string> {
  const instances = JSON.parse(await lxc(['query', '/1.0/instances?recursion=1'])) as {
    config: Record<string, string>;
  }[];
  const taken = instances.map(({ config }) => config['user.address']);
  // Test files run at the same time: each worker has addresses of its own.
  const first = 10 + ADDRESSES * ((Number(process.env.VITEST_POOL_ID ?? 1) - 1) % WORKERS);
  const addresses = Array.from({ length: ADDRESSES }, (_, at) => `${BRIDGE.network}.${first + at}`);
  const free = addresses.find((address) => !taken.includes(address));
  if (!free) throw new Error('no address is left on the bridge');
  return free;
}

function addAccount(shape: Shape, name: string): string {
  const home = name === 'root' ? '/root' : `/home/${name}`;
  // Debian's busybox has no adduser.
  const add =
    shape !== 'busybox'
      ? `useradd -m -U -p '*' -s /bin/bash ${name}`
      : `echo '${name}:x:1000:1000::${home}:/bin/sh' >>/etc/passwd && echo '${name}:x:1000:' >>/etc/group && mkdir -p ${home} && chown ${name}:${name} ${home}`;
  return `set -e
    id ${name} >/dev/null 2>&1 || { ${add}; }
    mkdir -p ${home}/.ssh && chmod 700 ${home}/.ssh
    cat >>${home}/.ssh/authorized_keys
    chmod 600 ${home}/.ssh/authorized_keys
    chown -R ${name} ${home}/.ssh`;
}

async function booted(host: Container): Promise<void> {
  for (let tried = 0; tried < 150; tried += 1) {
    const { output } = await host.tried('systemctl is-system-running');
    if (/^(running|degraded)$/m.test(output)) return;
    await sleep(200);
  }
  throw new Error(`${host.name} did not boot within 30 s:\n${(await host.tried('systemctl list-jobs')).output}`);
}

async function listens(address: string): Promise<void> {
  for (let tried = 0; tried < 200; tried += 1) {
    const connected = await new Promise<boolean>((answer) => {
      const socket = connect({ host: address, port: 22, timeout: 1000 });
      for (const event of ['connect', 'error', 'timeout']) {
        socket.once(event, () => {
          answer(event === 'connect');
          socket.destroy();
        });
      }
    });
    if (connected) return;
    await sleep(50);
  }
  throw new Error(`no SSH server answers on ${address}`);
}

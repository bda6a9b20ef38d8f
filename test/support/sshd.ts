import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A throwaway OpenSSH server on loopback, and a key that may log in to every account. */
export interface Sshd extends AsyncDisposable {
  port: number;
  /** Private key texts by type. */
  key: string;
  keyFile: string;
  /** The known_hosts line of the server. */
  knownHosts: string;
  folder: string;
  log(): string;
  /** Logins so far. */
  logins(): number;
  process: ChildProcess;
  /** Starts it again after it was killed. */
  restart(): Promise<void>;
}

export interface SshdOptions {
  /** Added to sshd_config. */
  config?: string;
  hostKeyTypes?: string[];
  /** What programs find in the place of others, by name: `/dev/null` for none. */
  instead?: Record<string, string>;
  /** Words of a command that runs it. */
  within?: readonly string[];
  /** Where it listens; loopback by default. */
  address?: string;
}

/** Starts it. Needs root to log in to other accounts. */
export async function sshd({
  config = '',
  hostKeyTypes = ['ed25519'],
  instead = {},
  within = [],
  address = '127.0.0.1',
}: SshdOptions = {}): Promise<Sshd> {
  const folder = mkdtempSync('/tmp/fdt-sshd-');
  chmodSync(folder, 0o755);
  mkdirSync('/run/sshd', { recursive: true });
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', `${folder}/id`]);
  copyFileSync(`${folder}/id.pub`, `${folder}/authorized_keys`);
  const port = await freePort();
  const hostKeys = hostKeyTypes.map((type) => {
    execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', `${folder}/host_${type}`]);
    return `${folder}/host_${type}`;
  });
  writeFileSync(
    `${folder}/sshd_config`,
    `${[
      `Port ${port}`,
      `ListenAddress ${address}`,
      ...hostKeys.map((key) => `HostKey ${key}`),
      `AuthorizedKeysFile ${folder}/authorized_keys`,
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'PidFile none',
      'LogLevel VERBOSE',
      'Subsystem sftp internal-sftp',
      config,
    ].join('\n')}\n`,
  );
  const words = ['/usr/sbin/sshd', '-D', '-f', `${folder}/sshd_config`, '-E', `${folder}/log`];
  const mounts = Object.entries(instead).map(
    ([name, other]) => `mount --bind ${other} "$(readlink -f "$(command -v ${name})")" && `,
  );
  // Mounts of its own, which end with it.
  const apart = mounts.length > 0 ? ['unshare', '-m', '/bin/sh', '-c', `${mounts.join('')}exec "$@"`, 'sh'] : [];
  const [command = '', ...rest] = [...within, ...apart, ...words];
  const launch = () => spawn(command, rest, { stdio: 'ignore' });
  let server = launch();
  await reachable(port, address);
  const log = () => readFileSync(`${folder}/log`, 'utf8');
  return {
    port,
    key: readFileSync(`${folder}/id`, 'utf8'),
    keyFile: `${folder}/id`,
    knownHosts: hostKeys
      .map((key) => `[${address}]:${port} ${readFileSync(`${key}.pub`, 'utf8').split(' ').slice(0, 2).join(' ')}`)
      .join('\n'),
    folder,
    log,
    logins: () => log().split('Accepted publickey').length - 1,
    get process() {
      return server;
    },
    restart: async () => {
      server = launch();
      await reachable(port, address);
    },
    [Symbol.asyncDispose]: async () => {
      server.kill();
      await new Promise((ended) =>
        server.exitCode === null && server.signalCode === null ? server.once('exit', ended) : ended(0),
      );
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A TCP port of loopback that nobody listens on now. */
export async function freePort(): Promise<number> {
  // Below the range the kernel gives to outgoing connections: one of those must not take it before it is used.
  for (let tried = 0; tried < 50; tried += 1) {
    const port = 10_000 + Math.floor(Math.random() * 22_000);
    const server = createServer();
    const free = await new Promise<boolean>((answer) => {
      server.once('error', () => answer(false)).listen(port, '127.0.0.1', () => answer(true));
    });
    if (!free) continue;
    await new Promise((closed) => server.close(closed));
    return port;
  }
  throw new Error('no port of loopback is free');
}

/** Waits until something accepts connections on the port; fails after 10 s. */
export async function reachable(port: number, address = '127.0.0.1'): Promise<void> {
  for (let tried = 0; tried < 200; tried += 1) {
    const connected = await new Promise<boolean>((answer) => {
      const socket = createConnection(port, address);
      socket.once('connect', () => answer(true)).once('error', () => answer(false));
      socket.once('connect', () => socket.destroy());
    });
    if (connected) return;
    await sleep(50);
  }
  throw new Error(`nothing listens on port ${port}`);
}

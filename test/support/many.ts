import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { freePort, reachable, sshd } from './sshd.ts';

/** Many targets on one machine: servers with processes of their own, and a folder of their own where the file goes. */
export interface ManyTargets extends AsyncDisposable {
  /** Lines for the input `host`. */
  hosts: string[];
  /** What to put into the inputs besides. */
  usual: Record<string, string | number>;
  destination: string;
  /** Runs a command on one of them, as root and without a login; gives what it prints. */
  on(index: number, command: string): string;
  /** Ends the server of one of them, so that it can't be reached. */
  unplug(index: number): Promise<void>;
}

/** Mounts and processes; what is left of them ends with the first one. */
const ALONE = ['--mount', '--pid', '--fork', '--mount-proc', '--kill-child'];
const FOLDER = '/srv';

/** Starts `count` targets; `prepare` is run in each before its server starts, with `$number` set. Needs root. */
export async function manyTargets(count: number, prepare = 'true'): Promise<ManyTargets> {
  const server = await sshd();
  const ports: number[] = [];
  const children: ChildProcess[] = [];
  for (let number = 0; number < count; number += 1) {
    const port = await freePort();
    const script = `number=${number}; mount --make-rprivate / && mount -t tmpfs tmpfs ${FOLDER} && { ${prepare}; } && exec /usr/sbin/sshd -D -f ${server.folder}/sshd_config -p ${port}`;
    children.push(spawn('unshare', [...ALONE, '/bin/sh', '-c', script], { stdio: 'ignore' }));
    await reachable(port);
    ports.push(port);
  }
  const key = server.knownHosts.trim().replace(/^\S+ /, '');
  const end = (child: ChildProcess | undefined) =>
    new Promise<void>((ended) => {
      if (!child || child.exitCode !== null || child.signalCode !== null) return ended();
      child.once('exit', () => ended());
      // unshare ignores TERM while it waits.
      child.kill('SIGKILL');
    });
  return {
    hosts: ports.map((port) => `root@127.0.0.1:${port}`),
    usual: {
      'ssh-key': server.key,
      'known-hosts': ports.map((port) => `[127.0.0.1]:${port} ${key}`).join('\n'),
      destination: `${FOLDER}/server`,
    },
    destination: `${FOLDER}/server`,
    on: (index, command) => runIn(children[index]?.pid as number, command),
    unplug: (index) => end(children[index]),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(children.map(end));
      await server[Symbol.asyncDispose]();
    },
  };
}

/** In the namespaces of the first process that `unshare` has started. */
function runIn(unshare: number, command: string): string {
  const first = readFileSync(`/proc/${unshare}/task/${unshare}/children`, 'utf8').trim();
  return execFileSync('nsenter', ['-t', first, '-m', '-p', '/bin/sh', '-c', `${command} || true`], {
    encoding: 'utf8',
  }).trim();
}

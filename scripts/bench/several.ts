import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { proxy } from '../../test/support/proxy.ts';
import { freePort, reachable } from '../../test/support/sshd.ts';
import { type Command, median, quoteAll, type Ran, run } from './command.ts';
import { type Place, placeBehind } from './place.ts';
import { padded } from './programs.ts';
import { type Goal, type Row, seconds, times } from './table.ts';
import { deployBinary, ssh } from './ways.ts';

const TARGETS = 16;
const ROUNDS = 3;
/** Mounts and processes; what is left of them ends with the first one. */
const ALONE = ['--mount', '--pid', '--fork', '--mount-proc', '--kill-child'];
const TRUE = 'ssh true';
const WAYS: Record<string, Record<string, string>> = {
  'deploy-binary': { 'stable-seconds': '' },
  'deploy-binary, stable-seconds: 0': {},
};

/** One file to sixteen targets at once, each 50 ms away, against one of them. */
export async function benchSeveral(): Promise<{ rows: Row[]; goals: Goal[] }> {
  await using place = await placeBehind('loopback');
  await using ports = await targets(place, TARGETS);
  // All of them listen on the same port, if at all.
  const versions = ['one', 'two', 'three'].map((version) => padded(version, 1e6, 'never listens'));
  let deployed = 0;
  const next = () => {
    deployed += 1;
    return versions[deployed % versions.length] as string;
  };
  const measured: Record<string, Ran[]> = {};
  const time = async (what: string, command: Command) => {
    measured[what] = [...(measured[what] ?? []), await run(command)];
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    await time(`${TRUE} to 1`, loginAll(place, ports.list.slice(0, 1)));
    await time(`${TRUE} to ${TARGETS}`, loginAll(place, ports.list));
    for (const [way, inputs] of Object.entries(WAYS)) {
      // Another version than any of them has.
      await time(`${way} to 1`, deployAll(place, ports.list.slice(0, 1), { ...inputs, source: next() }));
      await time(`${way} to ${TARGETS}`, deployAll(place, ports.list, { ...inputs, source: next() }));
    }
  }
  const middle = (what: string, of: (ran: Ran) => number) => median((measured[what] ?? []).map(of));
  const took = (name: string, count: number) => middle(`${name} to ${count}`, (ran) => ran.seconds);
  const row = (name: string, count: number) => ({
    way: name,
    targets: String(count),
    time: seconds(took(name, count)),
    'runner CPU': seconds(middle(`${name} to ${count}`, (ran) => ran.cpuSeconds)),
    '× one': times(took(name, count), took(name, 1)),
  });
  return {
    rows: [TRUE, ...Object.keys(WAYS)].flatMap((name) => [row(name, 1), row(name, TARGETS)]),
    goals: Object.keys(WAYS).map((way) => ({
      what: `${TARGETS} targets at once, vs. one: ${way}`,
      limit: 1.5,
      measured: took(way, TARGETS) / took(way, 1),
    })),
  };
}

/** What all targets on one machine cost by themselves. */
function loginAll(place: Place, ports: readonly number[]): Command {
  const logins = ports.map((sshPort) => `${quoteAll(ssh({ ...place, sshPort }, 'true'))} &`);
  return { words: ['/bin/sh', '-c', `${logins.join('\n')}\nwait`] };
}

function deployAll(place: Place, ports: readonly number[], { source = '', ...inputs }: Record<string, string>) {
  return deployBinary(place, source, {
    host: ports.map((port) => `root@127.0.0.1:${port}`).join('\n'),
    'known-hosts': knownHosts(place, ports),
    'max-parallel': String(TARGETS),
    'health-url': '',
    ...inputs,
  });
}

function knownHosts(place: Place, ports: readonly number[]): string {
  return ports.map((port) => place.knownHosts.replaceAll(`:${place.server.port} `, `:${port} `)).join('\n');
}

/** Servers with processes of their own, and a folder of their own where the file goes, behind links of 50 ms there and back. */
async function targets(place: Place, count: number) {
  const open: AsyncDisposable[] = [];
  const list: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const port = await freePort();
    const script = `mount --make-rprivate / && mount -t tmpfs tmpfs ${place.folder}/bin && exec /usr/sbin/sshd -D -f ${place.server.folder}/sshd_config -p ${port}`;
    const server = spawn('unshare', [...ALONE, '/bin/sh', '-c', script], { stdio: 'ignore' });
    await reachable(port);
    const between = await proxy(port, { delayMs: 25 });
    list.push(between.port);
    // unshare ignores TERM while it waits.
    open.push(between, { [Symbol.asyncDispose]: async () => void server.kill('SIGKILL') });
  }
  appendFileSync(`${place.folder}/known_hosts`, `${knownHosts(place, list)}\n`);
  return {
    list,
    [Symbol.asyncDispose]: async () => {
      for (const one of open) await one[Symbol.asyncDispose]();
    },
  };
}

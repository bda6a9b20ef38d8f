import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { proxy } from '../../test/support/proxy.ts';
import { freePort, reachable } from '../../test/support/sshd.ts';
import { type Command, median, quoteAll, type Ran, run } from './command.ts';
import { type Place, placeBehind } from './place.ts';
import { paddedPair } from './programs.ts';
import { type Goal, type Row, seconds, times } from './table.ts';
import { deployBinary, ssh } from './ways.ts';

const TARGETS = 16;
const ROUNDS = 3;
const TRUE = 'ssh true';

/** One file to sixteen targets at once, each 50 ms away, against one of them. */
export async function benchSeveral(): Promise<{ rows: Row[]; goals: Goal[] }> {
  await using place = await placeBehind('loopback');
  await using ports = await targets(place, TARGETS);
  const { one, two } = paddedPair('1 MB', 1e6);
  const measured: Record<string, Ran[]> = {};
  const time = async (what: string, command: Command) => {
    measured[what] = [...(measured[what] ?? []), await run(command)];
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    const [first, then] = round % 2 ? [two, one] : [one, two];
    await time(`${TRUE} to 1`, loginAll(place, ports.list.slice(0, 1)));
    await time(`${TRUE} to ${TARGETS}`, loginAll(place, ports.list));
    await time('deploy-binary to 1', deployAll(place, ports.list.slice(0, 1), first));
    // The first one has it already.
    await time(`deploy-binary to ${TARGETS}`, deployAll(place, ports.list, then));
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
    rows: [TRUE, 'deploy-binary'].flatMap((name) => [row(name, 1), row(name, TARGETS)]),
    goals: [
      {
        what: `${TARGETS} targets at once, of one`,
        limit: 1.5,
        measured: took('deploy-binary', TARGETS) / took('deploy-binary', 1),
      },
    ],
  };
}

/** What all targets on one machine cost by themselves. */
function loginAll(place: Place, ports: readonly number[]): Command {
  const logins = ports.map((sshPort) => `${quoteAll(ssh({ ...place, sshPort }, 'true'))} &`);
  return { words: ['/bin/sh', '-c', `${logins.join('\n')}\nwait`] };
}

function deployAll(place: Place, ports: readonly number[], source: string) {
  return deployBinary(place, source, {
    host: ports.map((port) => `root@127.0.0.1:${port}`).join('\n'),
    'known-hosts': knownHosts(place, ports),
    'max-parallel': String(TARGETS),
    restart: 'none',
    'health-url': '',
    args: '',
  });
}

function knownHosts(place: Place, ports: readonly number[]): string {
  return ports.map((port) => place.knownHosts.replaceAll(`:${place.server.port} `, `:${port} `)).join('\n');
}

/** Servers that each see a folder of their own where the file goes, behind links of 50 ms there and back. */
async function targets(place: Place, count: number) {
  const open: AsyncDisposable[] = [];
  const list: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const port = await freePort();
    const script = `mount --make-rprivate / && mount -t tmpfs tmpfs ${place.folder}/bin && exec /usr/sbin/sshd -D -f ${place.server.folder}/sshd_config -p ${port}`;
    const server = spawn('unshare', ['-m', '/bin/sh', '-c', script], { stdio: 'ignore' });
    await reachable(port);
    const between = await proxy(port, { delayMs: 25 });
    list.push(between.port);
    open.push(between, { [Symbol.asyncDispose]: async () => void server.kill() });
  }
  appendFileSync(`${place.folder}/known_hosts`, `${knownHosts(place, list)}\n`);
  return {
    list,
    [Symbol.asyncDispose]: async () => {
      for (const one of open) await one[Symbol.asyncDispose]();
    },
  };
}

import { spawn } from 'node:child_process';
import { proxy } from '../../test/support/proxy.ts';
import { freePort, reachable } from '../../test/support/sshd.ts';
import { median, run } from './command.ts';
import { type Place, placeBehind } from './place.ts';
import { paddedPair } from './programs.ts';
import { type Goal, type Row, seconds, times } from './table.ts';
import { deployBinary } from './ways.ts';

const TARGETS = 16;
const ROUNDS = 3;

/** One file to sixteen targets at once, each 50 ms away, against one of them. */
export async function benchSeveral(): Promise<{ rows: Row[]; goals: Goal[] }> {
  await using place = await placeBehind('loopback');
  await using ports = await targets(place, TARGETS);
  const { one, two } = paddedPair('1 MB', 1e6);
  const [alone, together]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    const source = round % 2 ? one : two;
    alone.push((await run(deployAll(place, ports.list.slice(0, 1), source))).seconds);
    // The first one has it already.
    together.push((await run(deployAll(place, ports.list, round % 2 ? two : one))).seconds);
  }
  const [first, all] = [median(alone), median(together)];
  return {
    rows: [
      { targets: '1', time: seconds(first), '× one': '1' },
      { targets: String(TARGETS), time: seconds(all), '× one': times(all, first) },
    ],
    goals: [{ what: `${TARGETS} targets at once, of one`, limit: 1.5, measured: all / first }],
  };
}

function deployAll(place: Place, ports: readonly number[], source: string) {
  const knownHosts = ports.map((port) => place.knownHosts.replaceAll(`:${place.server.port} `, `:${port} `)).join('\n');
  return deployBinary(place, source, {
    host: ports.map((port) => `root@127.0.0.1:${port}`).join('\n'),
    'known-hosts': knownHosts,
    'max-parallel': String(TARGETS),
    restart: 'none',
    'health-url': '',
    args: '',
  });
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
  return {
    list,
    [Symbol.asyncDispose]: async () => {
      for (const one of open) await one[Symbol.asyncDispose]();
    },
  };
}

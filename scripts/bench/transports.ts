import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Bridge, bridge } from './bridge.ts';
import { type Command, median, type Ran, run } from './command.ts';
import { type Pair, paddedPair } from './programs.ts';
import { type Goal, type Row, seconds, times } from './table.ts';

const LINKS = { '1 Gbit/s': 1000, '10 Gbit/s': 10_000 };
const SIZES = { '100 MB': 100e6, '1 GB': 1e9 };
/** Of scp's time, at most. */
const GOALS: Record<string, number> = { '100 MB, first deploy': 1.2, '1 GB, first deploy': 1.1, rebuild: 1 };
const ROUNDS = 3;
const WAYS = ['builtin', 'openssh'] as const;

/** A first deploy and a rebuild by each client, against scp of the same file. */
export async function benchTransports(quick: boolean): Promise<{ rows: Row[]; goals: Goal[]; notes: string[] }> {
  const rows: Row[] = [];
  const goals: Goal[] = [];
  for (const [link, megabits] of Object.entries(LINKS)) {
    await using place = await bridge(megabits);
    for (const [size, bytes] of Object.entries(SIZES)) {
      if (quick && bytes >= 1e9) continue;
      const measured = await rounds(place, paddedPair(size, bytes));
      const scp = middle(measured.scp ?? []);
      for (const [way, runs] of Object.entries(measured)) {
        const of = middle(runs);
        rows.push({
          link,
          file: size,
          way,
          time: seconds(of.seconds),
          'runner CPU': seconds(of.cpuSeconds),
          '× scp': times(of.seconds, scp.seconds),
        });
        const [kind = ''] = way.split(', ');
        const limit = GOALS[`${size}, ${kind}`] ?? GOALS[kind];
        if (limit) goals.push({ what: `${way}, ${size}, ${link}, of scp`, limit, measured: of.seconds / scp.seconds });
      }
    }
  }
  return { rows, goals, notes: [NO_DELAY] };
}

const NO_DELAY =
  'The link has a rate and no delay of its own, because the kernel of the machine has no netem: a round trip of 0.2 ms instead of 0.05 ms would add 2 ms to a deploy of ten.';

async function rounds(place: Bridge, { one, two }: Pair): Promise<Record<string, Ran[]>> {
  const measured: Record<string, Ran[]> = {};
  const measure = async (way: string, command: Command) => {
    measured[way] = [...(measured[way] ?? []), await run(command)];
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    fresh(place);
    await measure('scp', scp(place, two));
    for (const transport of WAYS) {
      fresh(place);
      await measure(`first deploy, ${transport}`, deploy(place, two, transport));
      fresh(place);
      await run(deploy(place, one, transport));
      await measure(`rebuild, ${transport}`, deploy(place, two, transport));
    }
  }
  return measured;
}

function fresh({ folder }: Bridge): void {
  for (const part of ['bin', 'tool-cache']) rmSync(`${folder}/${part}`, { recursive: true, force: true });
  mkdirSync(`${folder}/bin`);
}

function scp(place: Bridge, file: string): Command {
  const options = ['-i', place.keyFile, '-o', `UserKnownHostsFile=${place.folder}/known_hosts`, '-F', 'none'];
  const to = `root@${place.address}:${place.folder}/bin/beside`;
  return { words: ['scp', '-P', String(place.sshPort), ...options, '-q', file, to] };
}

/** Nothing is started: the way of the file alone is compared. */
function deploy(place: Bridge, file: string, transport: string): Command {
  const source = `${place.folder}/source`;
  copyFileSync(resolve(file), source);
  const inputs = {
    host: `root@${place.address}:${place.sshPort}`,
    'ssh-key': place.key,
    'known-hosts': place.knownHosts,
    source,
    destination: `${place.folder}/bin/service`,
    restart: 'none',
    transport,
  };
  return {
    words: [process.execPath, resolve('dist/deploy-binary.cjs')],
    env: {
      ...Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
      RUNNER_TOOL_CACHE: `${place.folder}/tool-cache`,
    },
  };
}

/** The run of the middle time. */
function middle(runs: readonly Ran[]): Ran {
  const wanted = median(runs.map((one) => one.seconds));
  return runs.find((one) => one.seconds === wanted) as Ran;
}

import type { Command } from './command.ts';
import { type Measured, measure, middles } from './measured.ts';
import { type LINKS, type Place, placeBehind } from './place.ts';
import { type Pair, paddedPair } from './programs.ts';
import { startFresh, stopServing } from './service.ts';
import { type Goal, megabytes, milliseconds, type Row, seconds, times } from './table.ts';
import { deployBinary, orderByHand, restartThere, transfersByHand } from './ways.ts';

const SIZES = { '20 kB': 20e3, '100 MB': 100e6, '1 GB': 1e9 };

/** Their downtime is compared, which is a matter of milliseconds. */
const ROUNDED = ['stop, start alone', 'deploy-binary'];
const ROUNDS = 3;

/** The first deploy of a file of some size, against copying it and against the users' order of stop, copy, start. */
export async function benchDeploys(quick: boolean): Promise<{ rows: Row[]; goals: Goal[] }> {
  const rows: Row[] = [];
  const goals: Goal[] = [];
  for (const link of ['loopback', '100 Mbit/s, 50 ms'] satisfies (keyof typeof LINKS)[]) {
    await using place = await placeBehind(link);
    for (const [size, bytes] of Object.entries(SIZES)) {
      // A gigabyte over a slow link measures patience.
      if (bytes >= 1e9 && (quick || link !== 'loopback')) continue;
      const measured = await waysOf(place, paddedPair(size, bytes));
      rows.push(...measured.map((one) => rowOf(link, size, one, measured)));
      goals.push(...goalsOf(link, size, measured));
    }
  }
  return { rows, goals };
}

async function waysOf(place: Place, pair: Pair): Promise<Measured[]> {
  const { scp, 'rsync -z': rsync } = transfersByHand(place, pair);
  const ways: Record<string, Command> = {
    scp: scp as Command,
    'rsync -z': rsync as Command,
    'stop, scp, start': orderByHand(place, pair),
    'stop, start alone': restartThere(place),
    'deploy-binary': deployBinary(place, pair.two),
  };
  const measured: Measured[] = [];
  for (const [way, command] of Object.entries(ways)) {
    const rounds = ROUNDED.includes(way) ? ROUNDS : 1;
    for (let round = 0; round < rounds; round += 1) {
      await startFresh(place, pair.one);
      measured.push(await measure(way, command, place, way !== 'scp' && way !== 'rsync -z'));
      await stopServing(place);
    }
  }
  return middles(measured);
}

const named = (measured: readonly Measured[], way: string) => measured.find((one) => one.way === way) as Measured;

function rowOf(link: string, size: string, one: Measured, all: readonly Measured[]): Row {
  const byHand = named(all, 'stop, scp, start');
  const alone = one.way === 'stop, start alone';
  return {
    link,
    file: size,
    way: one.way,
    time: alone ? '' : seconds(one.seconds),
    down: milliseconds(one.downSeconds),
    'MB sent': one.bytes && !alone ? megabytes(one.bytes) : '',
    'memory MB': alone ? '' : one.peakMegabytes.toFixed(0),
    '× by hand': alone ? '' : times(one.seconds, byHand.seconds),
    '× scp': alone ? '' : times(one.seconds, named(all, 'scp').seconds),
    'down, of that by hand':
      one.way === 'deploy-binary' ? `1/${(byHand.downSeconds / one.downSeconds).toFixed(0)}` : '',
  };
}

function goalsOf(link: string, size: string, all: readonly Measured[]): Goal[] {
  const [ours, byHand, alone] = ['deploy-binary', 'stop, scp, start', 'stop, start alone'].map((way) =>
    named(all, way),
  ) as [Measured, Measured, Measured];
  const goals: Goal[] = [
    {
      what: `downtime beyond stop and start alone, ${size}, ${link}`,
      limit: 20,
      measured: (ours.downSeconds - alone.downSeconds) * 1000,
      unit: 'ms',
    },
  ];
  if (size === '1 GB')
    goals.push({ what: 'memory of the runner for 1 GB', limit: 150, measured: ours.peakMegabytes, unit: 'MB' });
  if (size === '100 MB' && link !== 'loopback')
    goals.push(
      {
        what: `first deploy of ${size}, ${link}, vs. stop, scp, start`,
        limit: 0.35,
        measured: ours.seconds / byHand.seconds,
      },
      {
        what: `downtime of that, vs. stop, scp, start`,
        limit: 1 / 200,
        measured: ours.downSeconds / byHand.downSeconds,
      },
    );
  return goals;
}

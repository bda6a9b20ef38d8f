import { copyFileSync, rmSync } from 'node:fs';
import { type Command, run } from './command.ts';
import { type Measured, measure, middles } from './measured.ts';
import { LINKS, type Place, placeBehind } from './place.ts';
import { type Pair, rebuilds } from './programs.ts';
import { startFresh, stopServing } from './service.ts';
import { type Goal, megabytes, milliseconds, type Row, seconds, times } from './table.ts';
import { deployBinary, transfers, transfersByHand } from './ways.ts';

const LOOPBACK_ROUNDS = 3;

/**
 * The everyday deploy: a real service, built again with one line and one route changed. By hand only the transfer, to a file
 * beside; the action does the whole deploy. Both sides may use what was deployed before.
 */
export async function benchRebuilds(quick: boolean): Promise<{ rows: Row[]; goals: Goal[]; leftOut: string[] }> {
  const rows: Row[] = [];
  const goals: Goal[] = [];
  const { pairs, leftOut } = rebuilds();
  const links = Object.keys(LINKS).filter((link) => !quick || !link.startsWith('20'));
  for (const pair of pairs) {
    for (const link of links) {
      await using place = await placeBehind(link);
      const measured = await waysOf(place, pair);
      rows.push(...measured.map((one) => rowOf(pair, link, one, measured)));
      goals.push(...goalsOf(pair, link, measured));
    }
  }
  return { rows, goals, leftOut };
}

async function waysOf(place: Place, pair: Pair): Promise<Measured[]> {
  const rounds = place.between ? 1 : LOOPBACK_ROUNDS;
  const measured: Measured[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const [way, command] of Object.entries(transfersByHand(place, pair))) {
      if (command.before) copyFileSync(pair.one, command.before);
      measured.push(await measure(way, command, place));
      rmSync(`${place.folder}/beside`, { force: true });
    }
    for (const [way, command] of Object.entries(byAction(place, pair.two))) {
      await startFresh(place, pair.two);
      // The deploy before, which leaves to the runner what it keeps and what it knows of the link.
      await run(deployBinary(place, pair.one, { transfer: 'delta' }));
      measured.push(await measure(way, command, place, true));
      await stopServing(place);
    }
  }
  return middles(measured);
}

function byAction(place: Place, source: string): Record<string, Command> {
  const ways = transfers().map((transfer) => [
    `deploy-binary, ${transfer}`,
    deployBinary(place, source, { transfer }),
  ]) as [string, Command][];
  return Object.fromEntries(ways.length > 0 ? ways : [['deploy-binary', deployBinary(place, source)]]);
}

const named = (measured: readonly Measured[], way: string) => measured.find((one) => one.way === way) as Measured;

function rowOf({ name }: Pair, link: string, one: Measured, all: readonly Measured[]): Row {
  return {
    program: name,
    link,
    way: one.way,
    time: seconds(one.seconds),
    'runner CPU': seconds(one.cpuSeconds),
    'MB sent': one.bytes ? megabytes(one.bytes) : '',
    down: milliseconds(one.downSeconds),
    'memory MB': one.peakMegabytes.toFixed(0),
    '× scp': times(one.seconds, named(all, 'scp').seconds),
    '× rsync -z': times(one.seconds, named(all, 'rsync -z').seconds),
  };
}

function goalsOf({ name }: Pair, link: string, all: readonly Measured[]): Goal[] {
  if (!name.startsWith('Rust')) return [];
  const ours = all.find(({ way }) => way === 'deploy-binary, auto') ?? named(all, 'deploy-binary');
  const [scp, rsync, patch] = ['scp', 'rsync -z', 'zstd --patch-from | ssh'].map((way) => named(all, way)) as [
    Measured,
    Measured,
    Measured,
  ];
  if (link === 'loopback')
    return [
      { what: 'deploy of the Rust rebuild, loopback, vs. scp', limit: 0.8, measured: ours.seconds / scp.seconds },
    ];
  if (!link.startsWith('20')) return [];
  return [
    { what: 'bytes of the Rust rebuild, vs. rsync -z', limit: 0.3, measured: ours.bytes / rsync.bytes },
    { what: 'bytes of the Rust rebuild, vs. zstd --patch-from', limit: 0.45, measured: ours.bytes / patch.bytes },
    { what: 'CPU time of the runner for it', limit: 2.5, measured: ours.cpuSeconds, unit: 's' },
    { what: `deploy of it, ${link}, vs. rsync -z`, limit: 0.35, measured: ours.seconds / rsync.seconds },
  ];
}

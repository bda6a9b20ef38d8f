import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALIAS } from '../../support/production.ts';
import { program, sha256 } from '../../support/programs.ts';
import { drawWorld, type PlacedWorld, placedAt } from '../../support/unit-worlds.ts';
import { type UnitHost, unitHost } from '../../support/units.ts';

/** `npm run units` tries 200; UNIT_WORLD_FIRST names the first seed. */
const COUNT = Number(process.env.UNIT_WORLDS ?? 6);
const FIRST = Number(process.env.UNIT_WORLD_FIRST ?? 1);
/** As many are deployed to at the same time; further ones wait for the second look at them. */
const LANES = 3;
const SLOTS = 24;
const LATER_MS = 30_000;
const LIMIT_MS = 900_000;

let host: UnitHost;
const sources: Record<string, string> = {};
beforeAll(async () => {
  host = await unitHost();
  await host.world({});
  for (const version of ['good', 'exits at once', 'exits after 900 ms', 'answers 500'] as const)
    sources[version] = await host.production.build(fileOf(version));
});
afterAll(() => host[Symbol.asyncDispose]());

const slots = Array.from({ length: SLOTS }, (_, at) => at);
const lanes = turns(LANES);
const places = turns(SLOTS);

describe.concurrent('a world of units is as before, right after a deploy and 30 s later', () => {
  for (let seed = FIRST; seed < FIRST + COUNT; seed += 1) {
    const world = drawWorld(seed);
    test(world.title, { timeout: LIMIT_MS }, () =>
      places(async () => {
        const slot = slots.pop() as number;
        const placed = placedAt(world, slot);
        try {
          const seen = await lanes(() => deployed(placed));
          await sleep(LATER_MS);
          await seen.isSo();
        } finally {
          await lanes(() => remove(placed));
          slots.push(slot);
        }
      }),
    );
  }
});

/** Deploys to a new world and checks it; gives the same check, for later. */
async function deployed(world: PlacedWorld): Promise<{ isSo(): Promise<void> }> {
  await make(world);
  const before = await states(world);
  const runners = world.runners.filter((unit) => before[unit] === 'active');
  const executing = await images(world, runners);
  expect(Object.values(executing).every(({ pids }) => pids.length > 0)).toBe(true);

  const step = await host.production.step('deploy-binary', {
    host: ALIAS,
    destination: world.file,
    source: sources[world.version],
    'health-url': world.health,
    'health-timeout-seconds': 4,
    'stable-seconds': 1,
    'stop-timeout-seconds': 2,
  }).ended;
  const told = `${step.log}\n${JSON.stringify(world, null, 1)}`;
  expect(step.outputs.state, told).toBe(world.version === 'good' ? 'active' : 'rolled-back');
  const after = await images(world, runners);
  for (const unit of runners) {
    const earlier = executing[unit]?.pids ?? [];
    const pids = after[unit]?.pids ?? [];
    expect(pids.length, `${unit}\n${told}`).toBe(earlier.length);
    expect(
      pids.filter((pid) => earlier.includes(pid)),
      `${unit} was not restarted\n${told}`,
    ).toEqual([]);
  }
  const isSo = async () => {
    expect(await states(world), told).toEqual(before);
    expect(await images(world, runners), told).toEqual(after);
    expect(Object.values(after).map(({ stale }) => stale)).toEqual(runners.map(() => 0));
    const file = (await host.system.sh(`sha256sum <${world.file}`)).slice(0, 64);
    expect(file, told).toBe(sha256(world.version === 'good' ? program('v2') : program('v1')));
  };
  await isSo();
  return { isSo };
}

async function make(world: PlacedWorld): Promise<void> {
  await host.system.push(program('v1'), world.file);
  const texts = Object.entries(world.units).map(
    ([name, text]) => `cat >/etc/systemd/system/${name} <<'END'\n${text}\nEND`,
  );
  await host.system.sh(`chown -R app:app ${world.folder}\n${texts.join('\n')}\nsystemctl daemon-reload
    ${world.start.length > 0 ? `systemctl start ${world.start.join(' ')}` : ':'} && ${world.stop.length > 0 ? `systemctl stop ${world.stop.join(' ')}` : ':'}
    sleep 0.3`);
}

async function remove(world: PlacedWorld): Promise<void> {
  // Triggers first: they would start what is stopped after them.
  const units = [...world.watched, ...Object.keys(world.units).filter((unit) => !unit.includes('@.'))];
  const inOrder = ['timer', 'path', 'socket', 'target', 'service'].flatMap((kind) =>
    units.filter((unit) => unit.endsWith(`.${kind}`)),
  );
  await host.system.sh(`systemctl stop ${inOrder.join(' ')}; systemctl reset-failed ${inOrder.join(' ')}
    cd /etc/systemd/system && rm -f ${Object.keys(world.units).join(' ')}
    rm -rf ${world.folder}; systemctl daemon-reload`);
}

/** A unit that has failed is as much down as one that is stopped. */
async function states(world: PlacedWorld): Promise<Record<string, string>> {
  const jobs = await host.systemctl('list-jobs --no-legend');
  expect(jobs.split('\n').filter((job) => job.includes(` ${world.prefix}`))).toEqual([]);
  const found = await host.system.sh(`systemctl show -P ActiveState -- ${world.watched.join(' ')} | grep .`);
  const told = found.trim().split('\n');
  return Object.fromEntries(
    world.watched.map((unit, at) => [unit, told[at] === 'failed' ? 'inactive' : (told[at] as string)]),
  );
}

/** Per unit the processes that execute the file as it is now, and how many execute another image of it; by control groups. */
async function images(
  { file }: PlacedWorld,
  units: readonly string[],
): Promise<Record<string, { pids: string[]; stale: number }>> {
  const text = await host.system.sh(`for unit in ${units.join(' ')}; do
      for pid in $(pgrep -x server); do
        case $(cat /proc/$pid/cgroup) in *"/$unit"*) ;; *) continue ;; esac
        if [ /proc/$pid/exe -ef ${file} ]; then echo "$unit $pid"; else echo "$unit stale"; fi
      done
    done 2>/dev/null`);
  const lines = text
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
  return Object.fromEntries(
    units.map((unit) => {
      const words = lines.filter(([name]) => name === unit).map(([, word = '']) => word);
      return [
        unit,
        { pids: words.filter((word) => word !== 'stale'), stale: words.filter((word) => word === 'stale').length },
      ];
    }),
  );
}

function fileOf(version: PlacedWorld['version']): string {
  return version === 'good' ? program('v2') : program('bad', version);
}

/** Runs what it is given, at most so many at the same time, in their order. */
function turns(most: number): <T>(act: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let free = most;
  return async (act) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await act();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}

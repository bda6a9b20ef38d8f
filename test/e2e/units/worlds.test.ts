import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { program } from '../../support/programs.ts';
import { drawWorld, type UnitWorld } from '../../support/unit-worlds.ts';
import { FILE, type UnitHost, unitHost } from '../../support/units.ts';

/** `npm run units` tries 200; UNIT_WORLD_FIRST names the first seed. */
const COUNT = Number(process.env.UNIT_WORLDS ?? 6);
const FIRST = Number(process.env.UNIT_WORLD_FIRST ?? 1);
const LATER_MS = 1500;

let host: UnitHost;
beforeAll(async () => {
  host = await unitHost();
});
afterAll(() => host[Symbol.asyncDispose]());

for (let at = 0; at < COUNT; at += 1) {
  const world = drawWorld(FIRST + at);
  test(`${world.title}: all is as before`, () => isAsBefore(world));
}

async function isAsBefore(world: UnitWorld): Promise<void> {
  await host.world(world.units);
  await host.systemctl(`start ${world.start.join(' ')}`);
  if (world.stop.length > 0) await host.systemctl(`stop ${world.stop.join(' ')}`);
  await sleep(300);
  const before = await states(world);
  const runners = world.runners.filter((unit) => before[unit] === 'active');
  const executing = await images(runners);
  expect(Object.values(executing).every(({ pids }) => pids.length > 0)).toBe(true);

  const source = world.version === 'good' ? program('v2') : program('bad', world.version);
  const step = await host.deploy(source, { 'health-url': world.health, 'health-timeout-seconds': 4 });
  const told = `${step.log}\n${JSON.stringify(world, null, 1)}`;
  expect(step.outputs.state, told).toBe(world.version === 'good' ? 'active' : 'rolled-back');
  for (const waitMs of [0, LATER_MS]) {
    await sleep(waitMs);
    expect(await states(world), told).toEqual(before);
    const now = await images(runners);
    for (const unit of runners) {
      const pids = now[unit]?.pids ?? [];
      expect(now[unit]?.stale, `${unit}\n${told}`).toBe(0);
      expect(pids.length, `${unit}\n${told}`).toBe(executing[unit]?.pids.length);
      expect(
        pids.filter((pid) => executing[unit]?.pids.includes(pid)),
        `${unit} was not restarted\n${told}`,
      ).toEqual([]);
    }
  }
}

/** A unit that has failed is as much down as one that is stopped. */
async function states(world: UnitWorld): Promise<Record<string, string>> {
  const found = await host.states(...world.watched);
  return Object.fromEntries(
    Object.entries(found).map(([unit, state]) => [unit, state === 'failed' ? 'inactive' : state]),
  );
}

/** Per unit the processes that execute the file as it is now, and how many execute another image of it; by control groups. */
async function images(units: readonly string[]): Promise<Record<string, { pids: string[]; stale: number }>> {
  const text = await host.system.sh(`for unit in ${units.join(' ')}; do
      for pid in $(pgrep -x server); do
        case $(cat /proc/$pid/cgroup) in *"/$unit"*) ;; *) continue ;; esac
        if [ /proc/$pid/exe -ef ${FILE} ]; then echo "$unit $pid"; else echo "$unit stale"; fi
      done
    done`);
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

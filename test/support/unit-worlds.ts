import { FILE, PORT } from './units.ts';

/** A host's units around one program, drawn at random, what of them runs, and the deploy that meets them. */
export interface UnitWorld {
  title: string;
  units: Record<string, string>;
  /** Started in this order, then some are stopped on purpose. */
  start: string[];
  stop: string[];
  /** The units that run the file while it is deployed. */
  runners: string[];
  /** Every unit that must be afterwards as before. */
  watched: string[];
  health: string | undefined;
  version: 'good' | 'exits at once' | 'exits after 900 ms' | 'answers 500';
}

/** Numbers from 0 to 1 that are the same for a seed (mulberry32). */
export function drawsOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const KINDS = ['simple', 'notify', 'sh -c', 'remains', 'forking', 'instances', 'two units', 'socket', 'job'] as const;
const BONDS = ['Requires', 'BindsTo', 'PartOf', 'Wants'] as const;

export function drawWorld(seed: number): UnitWorld {
  const draw = drawsOf(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(draw() * list.length)] as T;
  const chance = (part: number) => draw() < part;
  const kind = pick(KINDS);
  const wants: string[] = [];
  const units: Record<string, string> = {};
  const start: string[] = [];
  const stop: string[] = [];
  for (const side of ['side1.service', 'side2.service'].slice(0, Math.floor(draw() * 3))) {
    units[side] = '[Service]\nExecStart=/bin/sleep 100000\n';
    wants.push(`Wants=${side}`);
    if (chance(0.5)) stop.push(side);
    else start.push(side);
  }
  const runners = addProgram(units, kind, { pick, chance, wants, start, stop });
  const [first = 'app.service'] = runners;
  const dependents = Math.floor(draw() * 4);
  for (let at = 1; at <= dependents; at += 1) {
    const name = chance(0.15) ? `dep${at}.target` : `dep${at}.service`;
    const earlier = Object.keys(units).filter((unit) => unit.startsWith('dep'));
    const on = earlier.length > 0 && chance(0.3) ? pick(earlier) : pick(runners.length > 0 ? runners : [first]);
    const bond = kind === 'job' ? 'Wants' : pick(BONDS);
    units[name] =
      `[Unit]\n${bond}=${on}\n${chance(0.6) ? `After=${on}` : ''}\n${name.endsWith('.target') ? '' : '[Service]\nExecStart=/bin/sleep 100000\n'}`;
    if (kind === 'job') continue;
    if (chance(0.7)) start.push(name);
  }
  if (kind !== 'job' && kind !== 'instances' && chance(0.3)) {
    units['app.timer'] = '[Timer]\nOnActiveSec=1h\n';
    if (chance(0.5)) start.push('app.timer');
  }
  const version = pick(['good', 'good', 'exits at once', 'exits after 900 ms', 'answers 500'] as const);
  const health = kind === 'job' ? undefined : `http://127.0.0.1:${kind === 'instances' ? PORT + 1 : PORT}/`;
  return {
    title: `world ${seed}: ${kind}, ${Object.keys(units).length} units, the new version ${kind === 'job' || version === 'good' ? 'is good' : version}`,
    units,
    start,
    stop,
    runners: kind === 'job' ? [] : runners,
    watched: [
      ...Object.keys(units).filter((unit) => !unit.includes('@.') && !(kind === 'job' && unit === 'app.service')),
      ...(kind === 'instances' ? ['app@1.service', 'app@2.service', 'app@3.service'] : []),
    ],
    health,
    version: kind === 'job' ? 'good' : version,
  };
}

interface Drawing {
  pick<T>(list: readonly T[]): T;
  chance(part: number): boolean;
  wants: string[];
  start: string[];
  stop: string[];
}

/** Adds the units of the program; gives those that run it. */
function addProgram(
  units: Record<string, string>,
  kind: (typeof KINDS)[number],
  { pick, chance, wants, start, stop }: Drawing,
): string[] {
  const text = (lines: string, port = PORT) =>
    `[Unit]\n${wants.join('\n')}\nStartLimitIntervalSec=0\n[Service]\nUser=app\n${chance(0.5) && kind !== 'remains' ? `Restart=${pick(['always', 'on-failure'])}\nRestartSec=${pick(['100ms', '2s'])}\n` : ''}${lines.replaceAll('PORT', String(port))}\n`;
  const run = `ExecStart=${FILE} --port PORT`;
  if (kind === 'instances') {
    units['app@.service'] = text(run.replace('PORT', '2531%i'));
    start.push('app@1.service', 'app@2.service', 'app@3.service');
    if (!chance(0.5)) return ['app@1.service', 'app@2.service', 'app@3.service'];
    stop.push('app@3.service');
    return ['app@1.service', 'app@2.service'];
  }
  if (kind === 'two units') {
    units['app.service'] = text(run);
    units['app-worker.service'] = text(run, PORT + 2);
    start.push('app.service', 'app-worker.service');
    return ['app.service', 'app-worker.service'];
  }
  if (kind === 'job') {
    units['app.service'] = `[Service]\nType=oneshot\nExecStart=${FILE} --job /opt/app/ran\n`;
    units['app.timer'] = '[Timer]\nOnActiveSec=1h\n';
    if (chance(0.5)) start.push('app.timer');
    return ['app.service'];
  }
  if (kind === 'socket') {
    units['app.socket'] = `[Socket]\nListenStream=127.0.0.1:${PORT}\n`;
    start.push('app.socket');
  }
  const lines: Record<string, string> = {
    simple: run,
    socket: run,
    notify: `Type=notify\n${run}`,
    'sh -c': `ExecStart=/bin/sh -c '${FILE} --port PORT; exit $?'`,
    remains: `Type=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c '${FILE} --port PORT >/dev/null 2>&1 &'`,
    forking: `Type=forking\nExecStart=/bin/sh -c '${FILE} --port PORT >/dev/null 2>&1 &'`,
  };
  units['app.service'] = text(lines[kind] ?? run);
  start.push('app.service');
  return ['app.service'];
}

/** A world with a place of its own on the host, beside other ones. */
export interface PlacedWorld extends UnitWorld {
  /** What the names of its units begin with. */
  prefix: string;
  folder: string;
  file: string;
}

/** The same world with units, folder and ports of this number. */
export function placedAt(world: UnitWorld, slot: number): PlacedWorld {
  const prefix = `w${slot}-`;
  const folder = `/opt/w${slot}`;
  const text = JSON.stringify(world)
    .replaceAll(/\b(app-worker|app|side\d|dep\d)(?=(@\d*)?\.(service|socket|timer|target)\b)/g, `${prefix}$1`)
    .replaceAll('/opt/app/', `${folder}/`)
    .replaceAll(/\b2531/g, String(2531 + slot));
  return { ...(JSON.parse(text) as UnitWorld), prefix, folder, file: `${folder}/server` };
}

import { existsSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Step, start } from '../../support/action.ts';
import { type ManyTargets, manyTargets } from '../../support/many.ts';
import { program, sha256 } from '../../support/programs.ts';

/** `MANY_TARGETS=300` runs the scenarios with so many. */
const COUNT = Number(process.env.MANY_TARGETS ?? 24);
const AT_A_TIME = 16;
const UNREACHABLE = [3, 7, 11];
const FAILING = 5;
/** Never well on a host that has the file `picky`. */
const HEALTH = '[ ! -e /srv/picky ]';
let targets: ManyTargets;
beforeAll(async () => {
  targets = await manyTargets(COUNT, `[ $number != ${FAILING} ] || touch /srv/picky`);
  for (const index of UNREACHABLE) await targets.unplug(index);
}, 300_000);
afterAll(() => targets[Symbol.asyncDispose]());
beforeEach(() => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's.
  const killed = 'for p in /proc/[0-9]*; do case $(readlink $p/exe) in /srv/server*) kill -9 ${p#/proc/} ;; esac; done';
  onAll(`${killed}; rm -rf /srv/server /srv/.server.deploy`);
});

test('three that can not be reached are skipped, one that fails is within max-failures: the numbers are right', async () => {
  const folder = mkdtempSync('/tmp/fdt-many-');
  writeFileSync(`${folder}/hosts`, `# all of them\n${targets.hosts.join('  # one\n')}\n`);
  const { ended, peak } = await deploy(
    {
      source: program('v1', 'never listens'),
      'hosts-file': 'hosts',
      'max-parallel': AT_A_TIME,
      'max-failures': 1,
      unreachable: 'skip',
      'report-file': 'report.json',
    },
    folder,
  );
  expect(ended.code, ended.log).toBe(1);
  const report = JSON.parse(readFileSync(`${folder}/report.json`, 'utf8')) as { target: string; state: string }[];
  expect(report).toHaveLength(COUNT);
  const states = (state: string) => report.flatMap((entry, index) => (entry.state === state ? [index] : []));
  expect(states('active')).toHaveLength(COUNT - UNREACHABLE.length - 1);
  expect(states('untouched')).toEqual(UNREACHABLE);
  expect(states('rolled-back')).toEqual([FAILING]);
  expect(ended.log).toContain(`${COUNT} targets: ${COUNT - 4} active, 1 rolled-back, 3 skipped`);
  expect(ended.outputs.state).toBe('rolled-back');
  // One line for a green target above the table, all of its lines for the red one.
  expect(linesAbout(ended, 0)).toHaveLength(1);
  expect(linesAbout(ended, FAILING).join('\n')).toContain('health');
  expect(onAll('sha256sum </srv/server 2>/dev/null')).toEqual(
    reachable().map((index) => (index === FAILING ? '' : `${sha256(program('v1', 'never listens'))}  -`)),
  );
  expect(peak.memoryMb).toBeLessThan(300);
  expect(peak.files).toBeLessThan(40 + 4 * AT_A_TIME);
  if (process.env.MANY_TARGETS)
    console.log(JSON.stringify({ COUNT, ...peak, seconds: Number(ended.outputs['duration-ms']) / 1000 }));
});

test('a red canary: no other target is touched', async () => {
  const hosts = [
    targets.hosts[FAILING],
    ...reachable()
      .filter((index) => index !== FAILING)
      .map((index) => targets.hosts[index]),
  ];
  const { ended } = await deploy({
    source: program('v1', 'never listens'),
    host: hosts.slice(0, 6).join('\n'),
    canary: 1,
    'max-parallel': 5,
    'max-failures': 5,
  });
  expect(ended.code).toBe(1);
  expect(ended.log).toContain('not started: a canary failed');
  expect(onAll('ls -A /srv | grep -v picky')).toEqual(
    reachable().map((index) => (index === FAILING ? '.server.deploy' : '')),
  );
});

test('after too many failures no further batch is started, and revert-all restores the others', async () => {
  const hosts = [0, 1, FAILING, 2, 4, 6].map((index) => targets.hosts[index]);
  const { ended } = await deploy({
    source: program('v1', 'never listens'),
    host: hosts.join('\n'),
    batch: '50%',
    'pause-seconds': 0.1,
    'revert-all': true,
  });
  expect(ended.code).toBe(1);
  expect(ended.log).toContain('6 targets: 3 untouched, 3 rolled-back');
  expect(onAll('ls /srv/server 2>/dev/null')).toEqual(reachable().map(() => ''));
});

test('two shards deploy to every target once, and a shard without targets is green', async () => {
  const hosts = [0, 1, 2, 4, 6].map((index) => targets.hosts[index]).join('\n');
  const source = program('v1', 'never listens');
  const done = [];
  for (const shard of ['1/2', '2/2'])
    done.push((await deploy({ source, host: hosts, shard, 'max-parallel': 5 })).ended);
  const targetsOf = ({ outputs }: Step) => (JSON.parse(outputs.report ?? '') as { target: string }[]).length;
  expect(
    done.map(({ code }) => code),
    done[0]?.log,
  ).toEqual([0, 0]);
  expect(done.map(targetsOf)).toEqual([3, 2]);
  const { ended } = await deploy({ source, host: hosts, shard: '6/6' });
  expect([ended.code, ended.outputs.state, ended.outputs.changed]).toEqual([0, 'unchanged', 'false']);
  expect(ended.log).toContain('Shard 6/6 has no target');
});

test('a source with another digest than `sha256` is refused before anything is sent', async () => {
  const wanted = sha256(program('v2', 'never listens'));
  const { ended } = await deploy({ source: program('v1', 'never listens'), host: targets.hosts[0], sha256: wanted });
  expect(ended.code).toBe(1);
  expect(ended.log).toContain(`not ${wanted} (sha256)`);
  expect(targets.on(0, 'ls -A /srv')).toBe('');
});

test.each([
  [{ 'hosts-file': 'missing' }, "Input 'hosts-file': there is no file missing on the runner."],
  [{ 'hosts-file': 'wrong' }, "line 2 of wrong: expected a host, user@host, user@host:port or alias, got 'a b'"],
  [{ host: 'web', 'report-file': 'no/report.json' }, "Input 'report-file': there is no folder no on the runner."],
  [{ host: 'web', 'report-file': 'out/report.json' }, 'out/report.json leads out of the workspace'],
])('wrong files on the runner end the step before it connects: %o', async (inputs, message) => {
  const folder = mkdtempSync('/tmp/fdt-many-');
  writeFileSync(`${folder}/wrong`, 'web-1\na b\n');
  symlinkSync('/tmp', `${folder}/out`);
  const { ended } = await deploy({ source: program('v1'), ...inputs }, folder);
  expect(ended.code).toBe(1);
  expect(ended.log).toContain(message);
});

interface Peak {
  memoryMb: number;
  files: number;
}

/** Runs the step, and watches what it takes of the runner. */
async function deploy(
  inputs: Record<string, string | number | boolean | undefined>,
  cwd?: string,
): Promise<{ ended: Step; peak: Peak }> {
  const usual = { ...targets.usual, 'health-command': HEALTH, 'health-timeout-seconds': 1, 'stable-seconds': 0.2 };
  const running = start('deploy-binary', { inputs: { ...usual, ...inputs }, ...(cwd && { cwd }) });
  const peak = { memoryMb: 0, files: 0 };
  const watch = setInterval(() => {
    const at = `/proc/${running.process.pid}`;
    if (!existsSync(`${at}/fd`)) return;
    peak.memoryMb = Math.max(
      peak.memoryMb,
      Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`${at}/status`, 'utf8'))?.[1] ?? 0) / 1024,
    );
    peak.files = Math.max(peak.files, readdirSync(`${at}/fd`).length);
  }, 50);
  try {
    return { ended: await running.ended, peak };
  } finally {
    clearInterval(watch);
  }
}

function reachable(): number[] {
  return [...targets.hosts.keys()].filter((index) => !UNREACHABLE.includes(index));
}

function onAll(command: string): string[] {
  return reachable().map((index) => targets.on(index, command));
}

function linesAbout({ log }: Step, index: number): string[] {
  return log
    .split('\n')
    .filter((line) => line.startsWith(`${targets.hosts[index]} `) || line.includes(` ${targets.hosts[index]} | `));
}

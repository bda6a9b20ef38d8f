import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type StepOptions, start, step } from '../support/action.ts';
import { program, sha256 } from '../support/programs.ts';
import { keyPair, type SmallHost, smallHost } from '../support/small.ts';

const DIST = new URL('../../dist/', import.meta.url).pathname;
const NAMES = ['web-1', 'web-2', 'web-3'];
const key = keyPair();
let hosts: SmallHost[];
beforeAll(async () => {
  hosts = await Promise.all(NAMES.map((name) => smallHost(name, key.public)));
});
afterAll(() => Promise.all(hosts.map((host) => host[Symbol.asyncDispose]())));
beforeEach(() => Promise.all(hosts.map((host) => host.startByHand(program('v1')))));

test('every host gets the new version, all at once; the outputs have each', async () => {
  const ended = await step('deploy-binary', several({ source: program('v2'), 'max-parallel': 3 }));
  expect(ended.code, ended.log).toBe(0);
  expect(await versions()).toEqual(['v2', 'v2', 'v2']);
  expect(ended.outputs).toMatchObject({ state: 'active', changed: 'true', sha256: sha256(program('v2')) });
  const report = reportOf(ended.outputs);
  expect(report.map(({ target, state }) => [target, state])).toEqual(
    hosts.map(({ address }) => [`svc@${address}:22`, 'active']),
  );
  expect(Number(ended.outputs['bytes-sent'])).toBe(report.reduce((sum, { bytesSent }) => sum + bytesSent, 0));
  expect(ended.summary).toMatch(/\| target \| state \|[\s\S]*(\| active \|[\s\S]*){3}/);
});

test('after one host fails, no further one is started', async () => {
  const [, second] = hosts as [SmallHost, SmallHost, SmallHost];
  await second.sh('chown root:root /opt/app /opt/app/botserver && chmod 755 /opt/app');
  const ended = await step('deploy-binary', several({ source: program('v2'), sudo: 'never' }));
  expect(ended.code, ended.log).toBe(1);
  expect(await versions()).toEqual(['v2', 'v1', 'v1']);
  expect(reportOf(ended.outputs).map(({ state }) => state)).toEqual(['active', 'untouched', 'untouched']);
  expect(ended.outputs.state).toBe('untouched');
  expect(ended.log).toMatch(/untouched +not started: another target failed/);
  // Running the job again, with the cause mended, goes on where it ended.
  await second.sh('chown svc:svc /opt/app /opt/app/botserver');
  const again = await step('deploy-binary', several({ source: program('v2'), sudo: 'never' }));
  expect(
    reportOf(again.outputs).map(({ state }) => state),
    again.log,
  ).toEqual(['unchanged', 'active', 'active']);
  expect(await versions()).toEqual(['v2', 'v2', 'v2']);
});

test('with revert-all the ones that were done get back what they had, as it ran; nothing, where there was nothing', async () => {
  const [first, second, third] = hosts as [SmallHost, SmallHost, SmallHost];
  await first.sh('killall -9 botserver; rm /opt/app/botserver');
  await third.sh('touch /opt/app/picky');
  const picky = '[ ! -e /opt/app/picky ] || ! wget -qO- http://127.0.0.1:5858/api/health | grep -q v2';
  const ended = await step(
    'deploy-binary',
    several({
      source: program('v2'),
      args: '--port 5858',
      'revert-all': true,
      'health-command': picky,
      'health-timeout-seconds': 2,
    }),
  );
  expect(ended.code, ended.log).toBe(1);
  expect(
    reportOf(ended.outputs).map(({ state }) => state),
    ended.log,
  ).toEqual(['rolled-back', 'rolled-back', 'rolled-back']);
  expect((await first.tried('ls /opt/app/botserver')).code).toBe(1);
  expect((await first.tried('pidof botserver')).code).toBe(1);
  for (const host of [second, third]) {
    expect(await host.health()).toContain('"version":"v1"');
    expect(await host.sh("tr '\\0' ' ' </proc/$(pidof botserver)/cmdline")).toBe('./botserver ');
  }
  expect(ended.log).toContain(`svc@${third.address}:22 failed and revert-all is set: restoring the previous version.`);
  expect(ended.outputs).toMatchObject({ state: 'rolled-back', changed: 'false' });
});

test('after a kill during the deploy, the post step reports the result of every host that was started', async () => {
  const killed = start('deploy-binary', several({ source: program('v2'), 'max-parallel': 2, 'stable-seconds': 3 }));
  await Promise.all(hosts.slice(0, 2).map(({ address }) => killed.saw(`${address} | healthy`)));
  killed.process.kill('SIGKILL');
  const { state, outputs } = await killed.ended;
  expect(outputs.state).toBe('unknown');
  const env = Object.fromEntries(Object.entries(state).map(([name, value]) => [`STATE_${name}`, value]));
  const post = await step('deploy-binary', { ...several({ source: program('v2') }), env });
  expect(post.log.match(/Finished: active/g), post.log).toHaveLength(2);
  expect(await versions()).toEqual(['v2', 'v2', 'v1']);
});

const SESSION =
  'for it in /proc/[0-9]*/stat; do read -r pid name _ parent _ <$it; case "$name $parent" in "(dropbear) 1") ;; "(dropbear) "*) kill -9 $pid ;; esac; done';
const TRANSACTION = 'kill -9 $(cut -d " " -f 2 </opt/app/.botserver.deploy/handed)';
const PROGRAM = 'killall -9 botserver';

test.each<[what: string, strike: string, moment: string, inputs: StepOptions['inputs'], states: RegExp]>([
  ['the session, in the stop', SESSION, 'stopping', {}, /^active active active$/],
  ['the session, in the stable window', SESSION, 'healthy', { 'revert-all': true }, /^active active active$/],
  ['the transaction, in the stop', TRANSACTION, 'stopping', {}, /^\S+ rolled-back \S+$/],
  ['the transaction, at the end', TRANSACTION, 'healthy', {}, /^\S+ rolled-back \S+$/],
  ['the transaction, with revert-all', TRANSACTION, 'healthy', { 'revert-all': true }, /^(rolled-back ?){3}$/],
  ['the new program, one after the other', PROGRAM, 'healthy', { 'max-parallel': 1 }, /^active rolled-back untouched$/],
  ['the new program, with revert-all', PROGRAM, 'healthy', { 'revert-all': true }, /^(rolled-back ?){3}$/],
])('the reported state of each host is true when one of them kills %s', async (_, strike, moment, inputs, states) => {
  const second = hosts[1] as SmallHost;
  await Promise.all(hosts.map((host) => host.startByHand(program('v1', 'ignores TERM'))));
  const slowly = { 'max-parallel': 3, 'stop-timeout-seconds': 1, 'stable-seconds': 3 };
  const struck = start('deploy-binary', several({ source: program('v2'), ...slowly, ...inputs }));
  await struck.saw(`${second.address} | ${moment}`);
  await second.sh(strike);
  const { outputs, code, log } = await struck.ended;
  const told = reportOf(outputs).map(({ state }) => state);
  expect(told.join(' '), log).toMatch(states);
  expect(code, log).toBe(told.every((state) => state === 'active') ? 0 : 1);
  expect(await versions(), log).toEqual(told.map((state) => (state === 'active' ? 'v2' : 'v1')));
  for (const host of hosts) {
    expect((await host.tried('ls -A /opt/app /opt/app/.botserver.deploy')).output).not.toMatch(
      /incoming|restored|\.new/,
    );
  }
  const next = await step('deploy-binary', several({ source: program('v3'), ...slowly }));
  expect(next.code, next.log).toBe(0);
  expect(await versions()).toEqual(['v3', 'v3', 'v3']);
});

interface Entry {
  target: string;
  state: string;
  bytesSent: number;
}

function reportOf(outputs: Record<string, string>): Entry[] {
  return JSON.parse(outputs.report ?? '[]');
}

async function versions(): Promise<(string | undefined)[]> {
  const answers = await Promise.all(hosts.map((host) => host.health()));
  return answers.map((answer) => /"version":"(\w+)"/.exec(answer)?.[1]);
}

function several(inputs: StepOptions['inputs']): StepOptions {
  return {
    bundles: DIST,
    inputs: {
      host: hosts.map(({ address }) => address).join('\n'),
      user: 'svc',
      'ssh-key': key.private,
      'known-hosts': hosts.map(({ knownHosts }) => knownHosts).join('\n'),
      destination: '/opt/app/botserver',
      'log-file': '/opt/app/log',
      'health-url': 'http://localhost:5858/api/health',
      'health-timeout-seconds': 10,
      'stable-seconds': 0.5,
      ...inputs,
    },
  };
}

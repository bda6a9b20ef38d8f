import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Account, account } from '../support/accounts.ts';
import { type StepOptions, start, step } from '../support/action.ts';
import { FOLDER } from '../support/lxd/folder.mjs';
import { program, sha256 } from '../support/programs.ts';
import { keyPair, type SmallHost, smallHost } from '../support/small.ts';
import { type Sshd, sshd } from '../support/sshd.ts';

const DIST = new URL('../../dist/', import.meta.url).pathname;
// The tests' LXD is not where a host has its own; `sudo` passes the variable on below.
const LXD_DIR = `${FOLDER}/lxd`;
const STAYS = ['ended', 'handed', 'history', 'journal', 'last-release', 'live', 'lock', 'progress', 'releases'];

// This machine is the host; both containers have the same path, only one of them is the target.
let host: Sshd;
let inside: SmallHost;
let neighbour: SmallHost;
beforeAll(async () => {
  const key = keyPair();
  [host, inside, neighbour] = await Promise.all([
    sshd({ config: `SetEnv LXD_DIR=${LXD_DIR}` }),
    smallHost('inside', key.public),
    smallHost('neighbour', key.public),
  ]);
});
afterAll(() => Promise.all([host, inside, neighbour].map((each) => each[Symbol.asyncDispose]())));
beforeEach(() => Promise.all([inside, neighbour].map((each) => each.startByHand(program('v1')))));

test('the program in the container is replaced and proved there; the same path in another one is left alone', async () => {
  const bystander = await neighbour.sh('pidof botserver');
  const ended = await step('deploy-binary', deploy({ source: program('v2') }));
  expect(ended.outputs, ended.log).toMatchObject({ state: 'active', sha256: sha256(program('v2')) });
  expect(ended.log).toContain(`root@127.0.0.1:${host.port}/lxd:${inside.name}`);
  expect(await inside.health()).toContain('"version":"v2"');
  expect(await inside.sh('stat -c "%U:%G %a" /opt/app/botserver; ls /opt/app/.botserver.deploy')).toBe(
    ['svc:svc 755', ...STAYS, ''].join('\n'),
  );
  expect(await neighbour.sh('pidof botserver')).toBe(bystander);
  const verified = await step('verify-deploy', verify({ source: program('v2'), 'listen-port': 5858 }));
  expect(verified.code, verified.log).toBe(0);
  const other = await step('verify-deploy', verify({ source: program('v2'), container: `lxd:${neighbour.name}` }));
  expect(other.outputs, other.log).toMatchObject({ verified: 'false', failed: 'sha256' });
});

test('a version that crashes in the container is rolled back', async () => {
  const ended = await step('deploy-binary', deploy({ source: program('bad', 'exits after 900 ms') }));
  expect(ended.code).toBe(1);
  expect(ended.outputs.state, ended.log).toBe('rolled-back');
  expect(await inside.health()).toContain('"version":"v1"');
});

test('a step that is killed while the container works is ended there', async () => {
  const killed = start('deploy-binary', deploy({ source: program('v2') }));
  await killed.saw('starting the new version');
  killed.process.kill('SIGKILL');
  const { state } = await killed.ended;
  const env = Object.fromEntries(Object.entries(state).map(([name, value]) => [`STATE_${name}`, value]));
  const post = await step('deploy-binary', { ...deploy({ source: program('v2') }), env });
  expect(post.log).toContain('Finished: active');
  expect(await inside.health()).toContain('"version":"v2"');
});

test('a container that is not there, or that no tool can enter, is said', async () => {
  const missing = await step('deploy-binary', deploy({ source: program('v2'), container: 'lxd:nobody' }));
  expect(missing.code).toBe(1);
  expect(missing.outputs.state).toBe('untouched');
  expect(missing.log).toMatch(/why: {4}could not enter the container: .*not found/i);
  const tool = await step('deploy-binary', deploy({ source: program('v2'), container: 'incus:nobody' }));
  expect(tool.log).toContain('there is no incus on the host');
});

let person: Account | undefined;
afterEach(() => {
  if (person) rmSync(`/etc/sudoers.d/${person.name}-lxd`, { force: true });
  person?.[Symbol.dispose]();
  person = undefined;
});

test('an account that may not use the daemon enters by sudo, where that is allowed', async () => {
  person = account({ sudo: true });
  const rights = `/etc/sudoers.d/${person.name}-lxd`;
  writeFileSync(rights, `Defaults:${person.name} env_keep += LXD_DIR\n`);
  chmodSync(rights, 0o440);
  const user = person.name;
  const allowed = await step('deploy-binary', deploy({ source: program('v2'), user }));
  expect(allowed.outputs.state, allowed.log).toBe('active');
  const never = await step('deploy-binary', deploy({ source: program('v1'), user, sudo: 'never' }));
  expect(never.code).toBe(1);
  expect(await inside.health()).toContain('"version":"v2"');
});

function connection(): StepOptions['inputs'] {
  return {
    host: '127.0.0.1',
    port: host.port,
    user: 'root',
    'ssh-key': host.key,
    'known-hosts': host.knownHosts,
    container: `lxd:${inside.name}`,
  };
}

function deploy(inputs: StepOptions['inputs']): StepOptions {
  return {
    bundles: DIST,
    inputs: {
      ...connection(),
      destination: '/opt/app/botserver',
      'log-file': '/opt/app/log',
      'health-url': 'http://localhost:5858/api/health',
      'health-timeout-seconds': 10,
      'stable-seconds': 1,
      ...inputs,
    },
  };
}

function verify(inputs: StepOptions['inputs']): StepOptions {
  return { bundles: DIST, inputs: { ...connection(), path: '/opt/app/botserver', ...inputs } };
}

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type StepOptions, step } from '../support/action.ts';
import { program, sha256 } from '../support/programs.ts';
import { keyPair, type SmallHost, smallHost } from '../support/small.ts';

const DIST = new URL('../../dist/', import.meta.url).pathname;
const key = keyPair();
let host: SmallHost;
beforeAll(async () => {
  host = await smallHost('small', key.public);
});
afterAll(() => host[Symbol.asyncDispose]());
beforeEach(() => host.startByHand(program('v1')));

test.each(['root', 'svc'])(
  'a host with busybox and dropbear alone gets the new version, logged in to as %s',
  async (user) => {
    const ended = await deploy({ user, source: program('v2') });
    expect(ended.outputs, ended.log).toMatchObject({ state: 'active', sha256: sha256(program('v2')) });
    // Its only HTTP client is nc or wget: asking must not cost its time limit.
    expect(Number(ended.outputs['downtime-ms']), ended.log).toBeLessThan(3000);
    expect(await host.health()).toContain('"version":"v2"');
    expect(await host.sh('stat -c "%U:%G %a" /opt/app/botserver')).toBe('svc:svc 755\n');
  },
);

test('and keeps the old version when the new one crashes', async () => {
  const ended = await deploy({ user: 'root', source: program('bad', 'exits after 900 ms') });
  expect(ended.code).toBe(1);
  expect(ended.outputs.state, ended.log).toBe('rolled-back');
  expect(await host.health()).toContain('"version":"v1"');
});

test('and is spared a program made for glibc, which could not run there', async () => {
  const ended = await deploy({ user: 'root', source: '/bin/true' });
  expect(ended.code).toBe(1);
  expect(ended.outputs.state, ended.log).toBe('untouched');
  expect(ended.log).toContain(
    '/bin/true needs the loader /lib64/ld-linux-x86-64.so.2, which the target does not have.',
  );
  expect(await host.health()).toContain('"version":"v1"');
});

function deploy(inputs: StepOptions['inputs']) {
  return step('deploy-binary', {
    bundles: DIST,
    inputs: {
      host: host.address,
      'ssh-key': key.private,
      'known-hosts': host.knownHosts,
      destination: '/opt/app/botserver',
      'log-file': '/opt/app/log',
      'health-url': 'http://localhost:5858/api/health',
      'health-timeout-seconds': 10,
      'stable-seconds': 1.5,
      ...inputs,
    },
  });
}

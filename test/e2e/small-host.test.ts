import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type StepOptions, step } from '../support/action.ts';
import { type Container, container } from '../support/lxd.ts';
import { program, sha256 } from '../support/programs.ts';

const DIST = new URL('../../dist/', import.meta.url).pathname;
let host: Container;
let key: string;
beforeAll(async () => {
  host = await container('busybox', 'small');
  const folder = mkdtempSync('/tmp/fdt-key-');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', `${folder}/id`]);
  key = readFileSync(`${folder}/id`, 'utf8');
  for (const name of ['root', 'svc']) await host.account(name, readFileSync(`${folder}/id.pub`, 'utf8'));
  rmSync(folder, { recursive: true });
});
afterAll(() => host[Symbol.asyncDispose]());

beforeEach(async () => {
  await host.tried('killall -9 botserver');
  await host.sh('rm -rf /opt/app && mkdir -p /opt/app');
  await host.push(program('v1'), '/opt/app/botserver');
  await host.sh(
    `chown -R svc:svc /opt/app && cd /opt/app && cat >/tmp/start && chmod 755 /tmp/start && su svc -c /tmp/start
    for try in 1 2 3 4 5 6 7 8 9; do wget -qO- http://127.0.0.1:5858/ >/dev/null && exit 0; sleep 0.1; done; exit 1`,
    START,
  );
});

const START = '#!/bin/sh\nsetsid ./botserver </dev/null >/opt/app/log 2>&1 &\n';

test.each(['root', 'svc'])(
  'a host with busybox and dropbear alone gets the new version, logged in to as %s',
  async (user) => {
    const ended = await deploy({ user, source: program('v2') });
    expect(ended.outputs, ended.log).toMatchObject({ state: 'active', sha256: sha256(program('v2')) });
    // Its only HTTP client is nc or wget: asking must not cost its time limit.
    expect(Number(ended.outputs['downtime-ms']), ended.log).toBeLessThan(3000);
    expect(await health()).toContain('"version":"v2"');
    expect(await host.sh('stat -c "%U:%G %a" /opt/app/botserver')).toBe('svc:svc 755\n');
  },
);

test('and keeps the old one when the new one falls over', async () => {
  const ended = await deploy({ user: 'root', source: program('bad', 'exits after 900 ms') });
  expect(ended.code).toBe(1);
  expect(ended.outputs.state, ended.log).toBe('rolled-back');
  expect(await health()).toContain('"version":"v1"');
});

test('and is spared a program made for glibc, which could not run there', async () => {
  const ended = await deploy({ user: 'root', source: '/bin/true' });
  expect(ended.code).toBe(1);
  expect(ended.outputs.state, ended.log).toBe('untouched');
  expect(ended.log).toContain(
    '/bin/true needs the loader /lib64/ld-linux-x86-64.so.2, which the target does not have.',
  );
  expect(await health()).toContain('"version":"v1"');
});

function deploy(inputs: StepOptions['inputs']) {
  return step('deploy-binary', {
    bundles: DIST,
    inputs: {
      host: host.address,
      'ssh-key': key,
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

function health(): Promise<string> {
  return host.sh('wget -qO- http://127.0.0.1:5858/api/health');
}

import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { account } from '../../support/accounts.ts';
import { step } from '../../support/action.ts';
import { unpacked } from '../../support/packages.ts';
import { program } from '../../support/programs.ts';
import { shell, type TestTarget, target } from '../../support/target.ts';

/** What the programs use of coreutils, and of findutils, grep, sed and util-linux. */
const COREUTILS = [
  ...[
    'cat',
    'chmod',
    'chown',
    'cp',
    'cut',
    'date',
    'dd',
    'df',
    'env',
    'head',
    'id',
    'ln',
    'mkdir',
    'mkfifo',
    'mv',
    'od',
  ],
  ...[
    'readlink',
    'rm',
    'rmdir',
    'sha256sum',
    'sleep',
    'sort',
    'stat',
    'sync',
    'tail',
    'timeout',
    'touch',
    'tr',
    'uname',
    'wc',
  ],
];
const OTHERS = ['flock', 'grep', 'sed', 'setsid'];

function verify(host: TestTarget) {
  const inputs = {
    host: host.usual.host,
    'ssh-key': host.sshd.key,
    'known-hosts': host.sshd.knownHosts,
    path: host.destination,
    source: program('v2'),
    owner: host.service.name,
    'health-url': host.usual['health-url'],
    'log-file': host.logFile,
    'log-absent-strings': 'panic',
  };
  return step('verify-deploy', { inputs });
}

async function deploys(instead: Record<string, string>) {
  await using host = await target({ instead });
  using login = account({ sudo: true });
  await host.startByHand(program('v1'));
  const good = await host.deploy({ source: program('v2'), 'health-port': host.port });
  expect(good.outputs.state, good.log).toBe('active');
  const proof = await verify(host);
  expect(proof.outputs.verified, proof.log).toBe('true');
  const as = { host: `${login.name}@127.0.0.1:${host.sshd.port}`, strategy: 'in-place' };
  const bad = await host.deploy({ ...as, source: program('bad', 'exits at once') });
  expect(bad.outputs.state, bad.log).toBe('rolled-back');
  expect(await host.health()).toMatchObject({ version: 'v2', uid: host.service.uid });
}

async function refuses(instead: Record<string, string>, why: string) {
  await using host = await target({ instead });
  await host.startByHand(program('v1'));
  const { outputs, log } = await host.deploy({ source: program('v2') });
  expect(log).toContain(`  why:    ${why}`);
  expect(outputs.state).toBe('untouched');
  expect(await host.health()).toMatchObject({ version: 'v1' });
}

describe('the tools of toybox', () => {
  const applets = shell('toybox').split(/\s+/);
  const all = [...COREUTILS, ...OTHERS].filter((name) => applets.includes(name));
  const instead = (names: string[]) => Object.fromEntries(names.map((name) => [name, '/bin/toybox']));

  it('deploy and roll back, staged and in-place, as root and by sudo, but for `timeout`', () =>
    deploys(instead(all.filter((name) => name !== 'timeout'))));

  it('are refused where `timeout` is one of them', () =>
    refuses(instead(all), 'the `timeout` of the target is the one of toybox, which often fails to run its command.'));
});

describe('the tools of uutils', () => {
  const root = unpacked('rust-coreutils')?.root;
  const paths = COREUTILS.map((name) => [name, `${root}/usr/lib/cargo/bin/coreutils/${name}`] as const);
  const all = paths.filter(([, path]) => existsSync(path));

  it.skipIf(!root)('deploy and roll back, staged and in-place, as root and by sudo, with an `env` that forks', () =>
    deploys(Object.fromEntries(all)),
  );
});

it('a host with nothing but su to change accounts, which takes no number, and a dd that follows links', () =>
  deploys({ setpriv: '/dev/null', chroot: '/dev/null', dd: '/bin/busybox' }));

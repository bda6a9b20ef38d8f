import { afterAll, beforeAll, expect, test } from 'vitest';
import { type StepOptions, step } from '../support/action.ts';
import { type Container, container } from '../support/lxd.ts';
import { program } from '../support/programs.ts';
import { keyPair } from '../support/small.ts';

const DIST = new URL('../../dist/', import.meta.url).pathname;
const UNIT = '[Service]\nExecStart=/opt/app/server --port 5858\nUser=svc\n';
const key = keyPair();
let host: Container;
beforeAll(async () => {
  host = await container('uutils', 'modern');
  for (const account of ['root', 'svc', 'deployer']) await host.account(account, key.public);
  await host.sh(
    `echo 'deployer ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/deployer; chmod 440 /etc/sudoers.d/deployer
    mkdir -p /opt/app; cat >/etc/systemd/system/app.service; systemctl daemon-reload`,
    UNIT,
  );
});
afterAll(() => host[Symbol.asyncDispose]());

test('the host has uutils for coreutils and sudo-rs for sudo', async () => {
  expect(await host.sh('readlink -f "$(command -v stat)" "$(command -v timeout)"; sudo -V')).toMatch(
    /^\/usr\/bin\/coreutils\n\/usr\/bin\/coreutils\nsudo-rs /,
  );
});

test.each(['root', 'deployer'])(
  'a unit gets the new version, and the old one after a failed one, logged in to as %s',
  async (user) => {
    await begin('systemctl start app');
    const good = await deploy({ user, source: program('v2') });
    expect(good.outputs.state, good.log).toBe('active');
    expect(good.log).toContain('stop the unit app.service');
    expect(await health()).toContain('"version":"v2"');
    const bad = await deploy({ user, source: program('bad', 'exits after 900 ms') });
    expect(bad.outputs.state, bad.log).toBe('rolled-back');
    expect(bad.log).toContain('fatal: out of cheese');
    expect(await health()).toContain('"version":"v2"');
    expect(await host.sh('systemctl is-active app; stat -c %U:%G:%a /opt/app/server')).toBe('active\nsvc:svc:755\n');
  },
);

test.each(['svc', 'deployer'])('so does a program that was started by hand, logged in to as %s', async (user) => {
  await begin(
    "setpriv --reuid=svc --regid=svc --init-groups sh -c 'cd /opt/app; setsid ./server --port 5858 </dev/null >>log 2>&1 &'",
  );
  const inputs = { user, 'run-as': 'svc', args: '--port 5858', 'log-file': '/opt/app/log' };
  const good = await deploy({ ...inputs, source: program('v2') });
  expect(good.outputs.state, good.log).toBe('active');
  expect(await health()).toContain('"version":"v2"');
  const bad = await deploy({ ...inputs, source: program('bad', 'exits at once') });
  expect(bad.outputs.state, bad.log).toBe('rolled-back');
  expect(await health()).toContain('"version":"v2"');
  expect(await host.sh('ps -o user= -C server')).toBe('svc\n');
  const verified = await step('verify-deploy', {
    bundles: DIST,
    inputs: { ...connection(user), path: '/opt/app/server', source: program('v2'), 'listen-port': 5858 },
  });
  expect(verified.outputs.verified, verified.log).toBe('true');
});

/** Begins anew: the first version at its place, and running. */
async function begin(start: string): Promise<void> {
  await host.sh('systemctl stop app; systemctl reset-failed; pkill -KILL -x server; rm -rf /opt/app; mkdir /opt/app');
  await host.push(program('v1'), '/opt/app/server');
  await host.sh(`chown -R svc:svc /opt/app; ${start}
    for try in $(seq 100); do curl -s http://127.0.0.1:5858/ >/dev/null && exit 0; sleep 0.1; done; exit 1`);
}

function health(): Promise<string> {
  return host.sh('curl -s -m 3 http://127.0.0.1:5858/');
}

function connection(user: string): StepOptions['inputs'] {
  return { host: host.address, user, 'ssh-key': key.private, 'known-hosts': host.knownHosts };
}

function deploy({ user, ...inputs }: { user: string } & StepOptions['inputs']) {
  return step('deploy-binary', {
    bundles: DIST,
    inputs: {
      ...connection(user),
      destination: '/opt/app/server',
      'health-url': 'http://127.0.0.1:5858/',
      'health-timeout-seconds': 10,
      'stable-seconds': 1,
      ...inputs,
    },
  });
}

import { afterAll, beforeAll, expect, test } from 'vitest';
import { program } from '../../support/programs.ts';
import { answers, service, type UnitHost, unitHost } from '../../support/units.ts';

let host: UnitHost;
beforeAll(async () => {
  host = await unitHost();
});
afterAll(async () => {
  await host.system.sh(
    'loginctl disable-linger app; rm -rf /home/app/.config/systemd; systemctl stop user@$(id -u app)',
  );
  await host[Symbol.asyncDispose]();
});

const TEXT = service().replace('User=app\n', '');
const asApp = (command: string) =>
  host.system.sh(
    `setpriv --reuid=app --regid=app --init-groups env HOME=/home/app XDG_RUNTIME_DIR=/run/user/$(id -u app) ${command}`,
  );

async function userUnit(): Promise<void> {
  await host.world({});
  await host.system.sh(
    `mkdir -p /home/app/.config/systemd/user && cat >/home/app/.config/systemd/user/app.service && chown -R app:app /home/app/.config`,
    TEXT,
  );
}

test('no user manager runs: refused, and linger is named', async () => {
  await userUnit();
  await host.system.sh('loginctl disable-linger app; systemctl stop user@$(id -u app)');
  const step = await host.deploy(program('v2'), { service: 'user:app' });
  expect(step.outputs.state, step.log).toBe('untouched');
  expect(step.log).toContain('loginctl enable-linger app');
});

test('a manager that ends with its last login: refused, and linger is named', async () => {
  await userUnit();
  await host.system.sh('systemctl start user@$(id -u app)');
  await asApp('systemctl --user daemon-reload');
  await asApp('systemctl --user start app');
  await answers(host);
  const step = await host.deploy(program('v2'));
  expect(step.outputs.state, step.log).toBe('untouched');
  expect(step.log).toContain('lingering is not enabled');
  expect(await host.version()).toBe('v1');
});

test('with lingering, the user unit runs the new version, and a failed one is rolled back', async () => {
  await userUnit();
  await host.system.sh('loginctl enable-linger app; systemctl start user@$(id -u app)');
  await asApp('systemctl --user daemon-reload');
  await asApp('systemctl --user restart app');
  await answers(host);
  const step = await host.deploy(program('v2'));
  expect(step.outputs.state, step.log).toBe('active');
  expect(await asApp('systemctl --user show -P MainPID app')).toBe(`${step.outputs.pid}\n`);
  const bad = await host.deploy(program('bad', 'exits after 900 ms'));
  expect(bad.outputs.state, bad.log).toBe('rolled-back');
  expect(await host.version()).toBe('v2');
});

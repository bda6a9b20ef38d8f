import { afterAll, beforeAll, expect, test } from 'vitest';
import { program } from '../../support/programs.ts';
import { answers, service, type UnitHost, unitHost } from '../../support/units.ts';

let host: UnitHost;
beforeAll(async () => {
  host = await unitHost();
});
afterAll(() => host[Symbol.asyncDispose]());

test('Type=notify: a crash before READY is rolled back at once, and its status is reported', async () => {
  await host.world({ 'app.service': service('Type=notify\nRestart=always\nRestartSec=60') });
  await host.systemctl('start app');
  await answers(host);
  const good = await host.deploy(program('v2'));
  expect(good.outputs.state, good.log).toBe('active');

  const step = await host.deploy(program('bad', 'exits at once'), { 'health-timeout-seconds': 60 });
  expect(step.outputs.state, step.log).toBe('rolled-back');
  expect(step.log).toContain('exit status 3');
  expect(step.log).toContain('fatal: out of cheese');
  expect(Number(step.outputs['downtime-ms'])).toBeLessThan(30_000);
  expect(await host.version()).toBe('v2');
});

test('the last words of a program are reported when journald reads them after it has exited', async () => {
  const stopJournald = '/bin/sh -c "[ ! -e /opt/app/.server.deploy ] || pkill -STOP systemd-journal"';
  await host.world({
    'app.service': service(`Type=notify\nRestart=always\nRestartSec=60\nExecStartPre=+-${stopJournald}`),
  });
  await host.systemctl('start app');
  await answers(host);
  const resumed = host.system.sh(
    'for i in $(seq 600); do grep -q "^phase=rollback" /opt/app/.server.deploy/journal && break; sleep 0.05; done; for i in $(seq 20); do pkill -CONT systemd-journal; sleep 0.2; done',
  );
  const step = await host.deploy(program('bad', 'exits at once'));
  await resumed;
  expect(step.outputs.state, step.log).toBe('rolled-back');
  expect(step.log).toContain('exit status 3');
  expect(step.log).toContain('fatal: out of cheese');
  expect(step.log).not.toContain('v1 listens on');
});

test('a report has the journal of this start alone', async () => {
  await host.world({ 'app.service': service('Restart=on-failure') });
  await host.systemctl('start app');
  await answers(host);
  const step = await host.deploy(program('bad', 'exits after 900 ms'));
  expect(step.outputs.state, step.log).toBe('rolled-back');
  expect(step.log).toContain('bad listens on');
  expect(step.log).not.toContain('v1 listens on');
  expect(step.log).toContain('exit status 3');
});

test('a kill by a signal is reported as such', async () => {
  await host.world({ 'app.service': service() });
  await host.systemctl('start app');
  await answers(host);
  const shot = host.system.sh(
    'sleep 2; for i in $(seq 100); do grep -q "^phase=stable" /opt/app/.server.deploy/journal && break; sleep 0.05; done; pkill -SEGV -x server',
  );
  const step = await host.deploy(program('v2'), { 'stable-seconds': 5 });
  await shot;
  expect(step.outputs.state, step.log).toBe('rolled-back');
  expect(step.log).toContain('killed by signal 11');
  expect(await host.version()).toBe('v1');
});

test('downtime of a broken deploy is true', async () => {
  await host.world({ 'app.service': service('ExecStartPre=/bin/sh -c "[ ! -e /opt/app/.server.deploy ]"') });
  await host.systemctl('start app');
  await answers(host);
  const step = await host.deploy(program('v2'));
  expect(step.outputs.state, step.log).toBe('broken');
  expect(Number(step.outputs['downtime-ms'])).toBeGreaterThan(50);
});

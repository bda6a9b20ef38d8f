import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { program } from '../../support/programs.ts';
import { answers, FILE, PORT, service, type UnitHost, unitHost } from '../../support/units.ts';

let host: UnitHost;
beforeAll(async () => {
  host = await unitHost();
});
afterAll(() => host[Symbol.asyncDispose]());

describe('nothing runs, and a unit has the file as its command', () => {
  test.each([
    ['has failed', 'systemctl start app; systemctl kill -s SEGV app; sleep 0.5', 'failed'],
    ['is stopped', ':', 'inactive'],
  ])('the unit %s: it is started, as its own account', async (_, prepare, state) => {
    await host.world({ 'app.service': service() });
    await host.system.sh(prepare);
    expect(await host.states('app')).toEqual({ app: state });
    const step = await host.deploy(program('v2'));
    expect(step.outputs.state, step.log).toBe('active');
    expect(step.log).toContain('its command is the file');
    expect(await host.system.sh('ps -o user= -C server')).toBe('app\n');
    expect(await host.states('app')).toEqual({ app: 'active' });
  });

  test('a new version that fails leaves the unit stopped, as it was', async () => {
    await host.world({ 'app.service': service() });
    const step = await host.deploy(program('bad', 'exits at once'));
    expect(step.outputs.state, step.log).toBe('rolled-back');
    expect(await host.states('app')).toEqual({ app: 'inactive' });
    expect(await host.system.sh(`cmp ${FILE} /opt/app/v1 2>&1; pgrep -xc server; true`)).toContain('0');
  });

  test('two such units: which one is meant is asked', async () => {
    await host.world({ 'app-web.service': service(), 'app-worker.service': service() });
    const step = await host.deploy(program('v2'));
    expect(step.outputs.state, step.log).toBe('untouched');
    expect(step.log).toContain('none of them is active');
  });
});

describe('the unit that is named', () => {
  test('an alias is the unit itself, and a second deploy finds nothing to do', async () => {
    await host.world({ 'app.service': service('', { install: 'Alias=shop.service\nWantedBy=multi-user.target' }) });
    await host.systemctl('enable -q --now app');
    await answers(host);
    const step = await host.deploy(program('v2'), { service: 'shop' });
    expect(step.outputs.state, step.log).toBe('active');
    const again = await host.deploy(program('v2'), { service: 'shop' });
    expect(again.outputs.state, again.log).toBe('unchanged');
    const verdict = await host.verify({ service: 'shop' });
    expect(verdict.outputs.verified, verdict.log).toBe('true');
    const bad = await host.deploy(program('bad', 'exits at once'), { service: 'shop' });
    expect(bad.outputs.state, bad.log).toBe('rolled-back');
    expect(await host.version()).toBe('v2');
    expect(await host.states('app', 'shop')).toEqual({ app: 'active', shop: 'active' });
  });

  test('does not run the file, which another unit does: refused, and both go on', async () => {
    await host.world({ 'app.service': service(), 'worker.service': '[Service]\nExecStart=/bin/sleep 100000\n' });
    await host.systemctl('start app worker');
    await answers(host);
    const pids = await host.systemctl('show -P MainPID app worker');
    const step = await host.deploy(program('v2'), { service: 'worker' });
    expect(step.outputs.state, step.log).toBe('untouched');
    expect(step.log).toContain('service names worker.service, but the file is run by app.service');
    expect(await host.systemctl('show -P MainPID app worker')).toBe(pids);
  });

  test('is disabled: it works, and the log has a note', async () => {
    await host.world({ 'app.service': service('', { install: 'WantedBy=multi-user.target' }) });
    const step = await host.deploy(program('v2'), { service: 'app' });
    expect(step.outputs.state, step.log).toBe('active');
    expect(step.log).toContain('app.service is disabled');
  });

  test('is masked: refused with the remedy', async () => {
    await host.world({ 'app.service': service() });
    await host.system.sh('mv /etc/systemd/system/app.service /usr/lib/systemd/system/ && systemctl mask app');
    const step = await host.deploy(program('v2'), { service: 'app' });
    await host.system.sh('rm /usr/lib/systemd/system/app.service');
    expect(step.outputs.state, step.log).toBe('untouched');
    expect(step.log).toContain('systemctl unmask app.service');
  });
});

describe('a unit whose file has changed', () => {
  const changed = async () => {
    await host.world({ 'app.service': service('', { install: 'WantedBy=multi-user.target' }) });
    await host.systemctl('enable -q --now app');
    await answers(host);
    await host.system.sh(
      'sleep 1; sed -i "s/^User=app/User=app\\nEnvironment=APP_NEW=yes/" /etc/systemd/system/app.service',
    );
  };
  const isNew = () => host.system.sh('tr "\\0" "\\n" </proc/$(pgrep -x server)/environ | grep -c APP_NEW; true');

  test('is restarted with the old definition, and the log has the remedy', async () => {
    await changed();
    const step = await host.deploy(program('v2'));
    expect(step.outputs.state, step.log).toBe('active');
    expect(step.log).toContain('set `daemon-reload: true`');
    expect(await isNew()).toBe('0\n');
  });

  test('is restarted with the new one where that is asked', async () => {
    await changed();
    const step = await host.deploy(program('v2'), { 'daemon-reload': true });
    expect(step.outputs.state, step.log).toBe('active');
    expect(await isNew()).toBe('1\n');
    const bad = await host.deploy(program('bad', 'exits at once'), { 'daemon-reload': true });
    expect(bad.outputs.state, bad.log).toBe('rolled-back');
    expect(await host.version()).toBe('v2');
    expect(await isNew()).toBe('1\n');
  });
});

test('a transient unit is refused before it is stopped', async () => {
  await host.world({});
  await host.system.sh(`systemd-run -q --unit=app-run ${FILE} --port ${PORT}`);
  await answers(host);
  const step = await host.deploy(program('v2'));
  expect(step.log).toContain('is transient');
  expect(await host.version()).toBe('v1');
  await host.systemctl('stop app-run');
});

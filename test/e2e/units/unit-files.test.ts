import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALIAS } from '../../support/production.ts';
import { program } from '../../support/programs.ts';
import { FILE, PORT, type UnitHost, URL, unitHost } from '../../support/units.ts';

describe('unit files in a release', () => {
  let host: UnitHost;
  beforeAll(async () => {
    host = await unitHost();
  });
  afterAll(() => host[Symbol.asyncDispose]());

  const unit = (label: string, more = '') =>
    [
      ...['[Unit]', `Description=${label}`, '[Service]', 'User=app', `ExecStart=${FILE} --port ${PORT}`, more],
      ...['[Install]', 'WantedBy=multi-user.target', ''],
    ].join('\n');

  /** Releases the unit file and the program that it runs. */
  async function release(text: string, binary: string, more = '') {
    const built = await host.production.build(binary);
    const encoded = Buffer.from(text).toString('base64');
    await host.production.ci.sh(`echo ${encoded} | base64 -d >/home/runner/app.service`);
    const parts = [
      ...['- unit: /home/runner/app.service', '  to: /etc/systemd/system/', '  enable: true', more],
      ...[`- binary: ${built}`, `  to: ${FILE}`, '  service: app.service', '  needs: app.service', '  owner: app:app'],
      ...[`  health-url: ${URL}`, '  health-timeout-seconds: 8', '  stable-seconds: 1', '  stop-timeout-seconds: 2'],
    ];
    return host.production.step('deploy-release', { host: ALIAS, parts: parts.join('\n') }).ended;
  }

  const label = () => host.systemctl('show -P Description -P NeedDaemonReload -P UnitFileState app.service');

  test('a changed unit file is read by systemd before its program starts with it', async () => {
    await host.world({ 'app.service': unit('one') });
    const { log, outputs } = await release(unit('two'), program('v2'));
    expect(outputs.state, log).toBe('active');
    expect(await label()).toMatch(/^two\s+enabled\s+no\s*$/);
    expect(await host.version()).toBe('v2');
    expect((await release(unit('two'), program('v2'))).outputs.state).toBe('unchanged');
  });

  test('a unit file alone restarts the program that needs it', async () => {
    const pid = await host.systemctl('show -P MainPID app.service');
    const { log, outputs } = await release(unit('three'), program('v2'));
    expect(outputs.state, log).toBe('active');
    expect(await host.systemctl('show -P MainPID app.service')).not.toBe(pid);
    expect(await label()).toMatch(/^three\s+enabled\s+no\s*$/);
  });

  test('when the program fails the unit file is restored, and systemd reads that', async () => {
    const { log, outputs } = await release(unit('four'), program('v4', 'exits at once'));
    expect(outputs.state, log).toBe('rolled-back');
    expect(await label()).toMatch(/^three\s+enabled\s+no\s*$/);
    expect(await host.version()).toBe('v2');
  });

  test('a unit file that systemd refuses changes nothing', async () => {
    const { log, outputs } = await release(unit('five').replace(/ExecStart=.*/, ''), program('v5'));
    expect(outputs.state, log).not.toBe('active');
    expect(log).toContain('systemd-analyze verify refused the file');
    expect(await label()).toMatch(/^three/);
    expect(await host.version()).toBe('v2');
  });

  test('a unit file that was edited on the target is refused, unless overwrite-drift is set', async () => {
    await host.system.sh("sed -i 's/three/edited/' /etc/systemd/system/app.service; systemctl daemon-reload");
    const refused = await release(unit('six'), program('v2'));
    expect(refused.outputs.state).toBe('untouched');
    expect(refused.log).toContain('+Description=edited');
    const { log, outputs } = await release(unit('six'), program('v2'), '  overwrite-drift: true');
    expect(outputs.state, log).toBe('active');
    expect(await label()).toMatch(/^six/);
  });
});

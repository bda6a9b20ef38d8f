import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { program } from '../../support/programs.ts';
import { answers, FILE, service, type UnitHost, unitHost } from '../../support/units.ts';

let host: UnitHost;
beforeAll(async () => {
  host = await unitHost();
});
afterAll(() => host[Symbol.asyncDispose]());

const URL1 = { 'health-url': 'http://127.0.0.1:25311/' };

describe('instances of a template', () => {
  const TEMPLATE = `[Service]\nUser=app\nExecStart=${FILE} --port 2531%i\nRestart=always\nRestartSec=100ms\n`;

  test('all run the new version, and the one that was stopped on purpose stays stopped', async () => {
    await host.world({ 'app@.service': TEMPLATE });
    await host.systemctl('start app@1 app@2 app@3');
    await host.systemctl('stop app@3');
    await answers(host, 25311);
    const step = await host.deploy(program('v2'), URL1);
    expect(step.outputs.state, step.log).toBe('active');
    expect(step.log).toContain('stop the units app@1.service, app@2.service');
    expect([await host.version(25311), await host.version(25312), await host.version(25313)]).toEqual([
      'v2',
      'v2',
      undefined,
    ]);
    expect(await host.states('app@1', 'app@2', 'app@3')).toEqual({
      'app@1': 'active',
      'app@2': 'active',
      'app@3': 'inactive',
    });
  });

  test('all run the old version again when the new one fails', async () => {
    await host.world({ 'app@.service': TEMPLATE });
    await host.systemctl('start app@1 app@2');
    await answers(host, 25311);
    const step = await host.deploy(program('bad', 'exits after 900 ms'), URL1);
    expect(step.outputs.state, step.log).toBe('rolled-back');
    expect([await host.version(25311), await host.version(25312)]).toEqual(['v1', 'v1']);
    expect(await host.states('app@1', 'app@2')).toEqual({ 'app@1': 'active', 'app@2': 'active' });
  });
});

describe('a web and a worker unit of one file', () => {
  const UNITS = { 'app-web.service': service('', { port: 25311 }), 'app-worker.service': service('', { port: 25312 }) };

  test('both run the new version; the health check asks the named one', async () => {
    await host.world(UNITS);
    await host.systemctl('start app-web app-worker');
    await answers(host, 25312);
    const step = await host.deploy(program('v2'), {
      service: 'app-worker',
      'health-port': 25312,
      'health-url': undefined,
    });
    expect(step.outputs.state, step.log).toBe('active');
    expect(await host.systemctl('show -P MainPID app-worker')).toBe(`${step.outputs.pid}\n`);
    expect([await host.version(25311), await host.version(25312)]).toEqual(['v2', 'v2']);
  });

  test('both are rolled back when one of them does not run the new version', async () => {
    await host.world({
      ...UNITS,
      'app-worker.service': service('ExecStartPre=/bin/sh -c "! cmp -s /opt/app/server /opt/app/refused"', {
        port: 25312,
      }),
    });
    await host.systemctl('start app-web app-worker');
    await answers(host, 25312);
    await host.system.push(program('v2'), '/opt/app/refused');
    const step = await host.deploy(program('v2'), URL1);
    expect(step.outputs.state, step.log).toBe('rolled-back');
    expect(step.log).toMatch(/why: +app-worker.service: the unit failed/);
    expect([await host.version(25311), await host.version(25312)]).toEqual(['v1', 'v1']);
  });
});

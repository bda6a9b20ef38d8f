import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { program } from '../../support/programs.ts';
import { answers, FILE, PORT, service, type UnitHost, unitHost } from '../../support/units.ts';

let host: UnitHost;
beforeAll(async () => {
  host = await unitHost();
});
afterAll(() => host[Symbol.asyncDispose]());

describe('a unit that stops too slowly', () => {
  test.each([
    ['drains for 40 s', `ExecStart=\nExecStart=${FILE} --port ${PORT} --drain-ms 40000\nTimeoutStopSec=90`],
    ['has a stop command that hangs', 'ExecStop=/bin/sleep 1000\nTimeoutStopSec=90'],
  ])('because it %s is killed after stop-timeout-seconds, and no job of systemd is left', async (_, lines) => {
    await host.world({ 'app.service': service(lines) });
    await host.systemctl('start app');
    await answers(host);
    const step = await host.deploy(program('v2'));
    expect(step.outputs.state, step.log).toBe('active');
    expect(step.log).toContain('did not stop within 2 s; sending KILL');
    expect(Number(step.outputs['downtime-ms'])).toBeLessThan(6000);
    expect(await host.states('app')).toEqual({ app: 'active' });
    expect(await host.version()).toBe('v2');
  });

  test('is restored too when the new version hangs and ignores TERM', async () => {
    await host.world({ 'app.service': service('TimeoutStopSec=90') });
    await host.systemctl('start app');
    await answers(host);
    const step = await host.deploy(program('hung', 'hangs', 0, { ignoresTerm: true }), { 'health-timeout-seconds': 3 });
    expect(step.outputs.state, step.log).toBe('rolled-back');
    expect(await host.states('app')).toEqual({ app: 'active' });
    expect(await host.version()).toBe('v1');
  });
});

describe('a dependent that stops too slowly', () => {
  test('does not hold the deploy up, and runs again', async () => {
    await host.world({
      'app.service': service(),
      'slow.service': `[Unit]\nRequires=app.service\nAfter=app.service\n[Service]\nExecStart=/bin/sh -c "trap : TERM; while :; do sleep 1; done"\nTimeoutStopSec=90`,
    });
    await host.systemctl('start slow');
    await answers(host);
    const step = await host.deploy(program('v2'));
    expect(step.outputs.state, step.log).toBe('active');
    expect(await host.states('app', 'slow')).toEqual({ app: 'active', slow: 'active' });
  });
});

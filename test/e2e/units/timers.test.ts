import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { program } from '../../support/programs.ts';
import { answers, FILE, service, type UnitHost, unitHost } from '../../support/units.ts';

let host: UnitHost;
beforeAll(async () => {
  host = await unitHost();
});
afterAll(() => host[Symbol.asyncDispose]());

const NO_HEALTH = { 'health-url': undefined };
const JOB = `[Service]\nType=oneshot\nUser=app\nExecStart=${FILE} --job /opt/app/ran\n`;
const TIMER = '[Timer]\nOnActiveSec=1h\n[Install]\nWantedBy=timers.target\n';

describe('a timer with a oneshot job', () => {
  test.each([
    ['auto', {}, 'active'],
    ['service: app', { service: 'app' }, 'active'],
    ['auto, and the timer stopped on purpose', {}, 'inactive'],
  ])('with %s: the file is replaced, the job is not run, the timer keeps its state', async (_, inputs, timer) => {
    await host.world({ 'app.service': JOB, 'app.timer': TIMER });
    if (timer === 'active') await host.systemctl('start app.timer');
    const step = await host.deploy(program('v2'), { ...NO_HEALTH, ...inputs });
    expect(step.outputs.state, step.log).toBe('active');
    expect(step.log).toContain('leave the unit app.service alone');
    expect(await host.states('app.timer', 'app.service')).toEqual({ 'app.timer': timer, 'app.service': 'inactive' });
    expect((await host.system.tried('cat /opt/app/ran')).output).toContain('No such file');
    await host.systemctl('start app.service');
    expect(await host.system.sh('cat /opt/app/ran')).toBe('v2\n');
  });

  test('a job that is running finishes undisturbed', async () => {
    await host.world({ 'app.service': JOB, 'app.timer': TIMER }, program('slow', 'starts slowly'));
    await host.systemctl('start app.timer');
    await host.systemctl('start --no-block app.service');
    const step = await host.deploy(program('v2'), NO_HEALTH);
    expect(step.outputs.state, step.log).toBe('active');
    expect(await host.system.sh('sleep 1; cat /opt/app/ran')).toBe('slow\n');
    expect(await host.systemctl('show -P Result app.service')).toBe('success\n');
  });

  test('a health check is refused, because a job has nothing to ask', async () => {
    await host.world({ 'app.service': JOB, 'app.timer': TIMER });
    const step = await host.deploy(program('v2'));
    expect(step.outputs.state).toBe('untouched');
    expect(step.log).toContain('the unit app.service is a job that ends');
  });
});

describe('a path unit and its service', () => {
  test.each([
    ['active', program('v2'), 'v2'],
    ['rolled-back', program('bad', 'exits after 900 ms'), 'v1'],
  ])('both are as before when the deploy finishes as %s', async (state, source, version) => {
    await host.world({ 'app.service': service(), 'app.path': '[Path]\nPathExists=/opt/app/wanted\n' });
    await host.systemctl('start app.path');
    await host.system.sh('touch /opt/app/wanted');
    await answers(host);
    const step = await host.deploy(source);
    expect(step.outputs.state, step.log).toBe(state);
    expect(await host.version()).toBe(version);
    expect(await host.states('app.path', 'app.service')).toEqual({ 'app.path': 'active', 'app.service': 'active' });
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { program } from '../../support/programs.ts';
import { answers, service, type UnitHost, unitHost } from '../../support/units.ts';

let host: UnitHost;
beforeAll(async () => {
  host = await unitHost();
});
afterAll(() => host[Symbol.asyncDispose]());

const SLEEP = '[Service]\nExecStart=/bin/sleep 100000\n';
const needs = (lines: string) => `[Unit]\n${lines}\n${SLEEP}`;

const UNITS = {
  'app.service': service('', { unit: 'Wants=side.service' }),
  'requires.service': needs('Requires=app.service\nAfter=app.service'),
  'binds.service': needs('BindsTo=app.service'),
  'partof.service': needs('PartOf=app.service'),
  'second.service': needs('Requires=requires.service'),
  'stopped.service': needs('Requires=app.service'),
  'side.service': SLEEP,
  'group.target': '[Unit]\nRequires=app.service\nWants=wanted.service\n',
  'wanted.service': SLEEP,
};
const AFTERWARDS = {
  'app.service': 'active',
  'requires.service': 'active',
  'binds.service': 'active',
  'partof.service': 'active',
  'second.service': 'active',
  'stopped.service': 'inactive',
  'side.service': 'inactive',
  'group.target': 'active',
  'wanted.service': 'inactive',
};

describe('what depends on the unit', () => {
  test.each([
    ['active', program('v2'), 'v2'],
    ['rolled-back', program('bad', 'exits after 900 ms'), 'v1'],
  ])('is the same as before when the deploy finishes as %s', async (state, source, version) => {
    await host.world(UNITS);
    await host.systemctl('start requires binds partof second group.target');
    await host.systemctl('stop side wanted');
    await answers(host);
    expect(await host.states(...Object.keys(UNITS))).toEqual(AFTERWARDS);

    const step = await host.deploy(source);
    expect(step.outputs.state, step.log).toBe(state);
    expect(step.log).toContain('side.service is stopped now, and will stay stopped');
    expect(await host.states(...Object.keys(UNITS))).toEqual(AFTERWARDS);
    expect(await host.version()).toBe(version);
  });

  test('a job that systemd runs before each start is run, also where something else stays stopped', async () => {
    await host.world({
      'app.service': service('', { unit: 'Requires=migrate.service\nAfter=migrate.service\nWants=side.service' }),
      'migrate.service': '[Service]\nType=oneshot\nExecStart=/bin/sh -c "echo ran >>/opt/app/migrations"\n',
      'side.service': SLEEP,
    });
    await host.systemctl('start app');
    await host.systemctl('stop side');
    await answers(host);
    const step = await host.deploy(program('v2'));
    expect(step.outputs.state, step.log).toBe('active');
    expect(await host.system.sh('cat /opt/app/migrations')).toBe('ran\nran\n');
    expect(await host.states('side')).toEqual({ side: 'inactive' });
  });

  test('a dependent that fails with the new version makes it roll back', async () => {
    await host.world({
      'app.service': service(),
      'picky.service': `[Unit]\nRequires=app.service\nAfter=app.service\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c "! cmp -s /opt/app/server /opt/app/refused"\n`,
    });
    await host.systemctl('start picky');
    await answers(host);
    await host.system.push(program('v2'), '/opt/app/refused');
    const step = await host.deploy(program('v2'), { 'health-timeout-seconds': 3 });
    expect(step.outputs.state, step.log).toBe('rolled-back');
    expect(step.log).toContain('picky.service was active and is');
    expect(await host.states('app', 'picky')).toEqual({ app: 'active', picky: 'active' });
    expect(await host.version()).toBe('v1');
  });
});

test('a unit of another program of that name, and what it wants, may come and go meanwhile', async () => {
  await host.world({
    'app.service': service(),
    'other.service':
      '[Unit]\nWants=neighbour.service\n[Service]\nExecStart=/bin/sh -c "exec sleep 100000" /opt/other/server\n',
    'neighbour.service': SLEEP,
  });
  await host.systemctl('start app other');
  await answers(host);
  const deploy = await host.begin(program('v2'), { 'stable-seconds': 2 });
  await deploy.saw('stable          ');
  await host.systemctl('stop neighbour');
  const step = await deploy.ended;
  expect(step.outputs.state, step.log).toBe('active');
  expect(await host.states('app', 'other', 'neighbour')).toEqual({
    app: 'active',
    other: 'active',
    neighbour: 'inactive',
  });
});

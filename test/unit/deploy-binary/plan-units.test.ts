import { describe, expect, test } from 'vitest';
import { schema } from '../../../actions/deploy-binary/inputs.ts';
import type { Found, FoundProcess } from '../../../actions/deploy-binary/inspect/found.ts';
import type { FoundUnit } from '../../../actions/deploy-binary/inspect/unit-found.ts';
import { planUnits, startedFirst, startsAlone } from '../../../actions/deploy-binary/plan/plan-units.ts';
import type { UnitPlan } from '../../../actions/deploy-binary/plan/unit-plan.ts';
import { unitFound } from './unit-found.ts';

const APP = unitFound({ name: 'app.service', pids: [41] });
const SOCKET = unitFound({ name: 'app.socket', role: 'trigger', command: 'no' });
const IDLE = { active: 'inactive', sub: 'dead' };
const JOB = { type: 'oneshot', ...IDLE };

function plan(units: FoundUnit[], given: Record<string, string> = {}, seen: Partial<Found> = {}): UnitPlan {
  const inputs = schema.parse({ host: 'web', destination: '/opt/app/server', source: 'server', ...given });
  const pids = units.flatMap((unit) => unit.pids);
  const processes = pids.map((pid) => ({ pid, supervisor: '', supervisorPid: 0 }) as FoundProcess);
  const found = { units, processes, otherUserUnits: [], userManager: true, runAsLingers: true, ...seen };
  return planUnits(inputs, found as unknown as Found, 'app');
}

function names(list: readonly FoundUnit[]): string[] {
  return list.map(({ name }) => name);
}

function whys({ obstacles }: UnitPlan): string {
  return obstacles.map(({ why }) => why).join('\n');
}

describe('the units that are stopped and started', () => {
  test('are all that run the file, the named one first', () => {
    const other = unitFound({ name: 'aaa.service', pids: [42] });
    expect(names(plan([APP, other]).units)).toEqual(['aaa.service', 'app.service']);
    expect(names(plan([APP, other], { service: 'app' }).units)).toEqual(['app.service', 'aaa.service']);
  });

  test('do not include one that has the file as its command and is stopped while another runs it', () => {
    const stopped = unitFound({ name: 'app@2.service', ...IDLE });
    expect(names(plan([APP, stopped]).units)).toEqual(['app.service']);
  });

  test('do not include one that only names the file, to check it', () => {
    const check = unitFound({ name: 'check.service', command: 'mention', type: 'oneshot', remain: true });
    expect(names(plan([check, APP]).units)).toEqual(['app.service']);
  });

  test('are the one whose command is the file where nothing runs it', () => {
    const failed = unitFound({ name: 'app.service', active: 'failed' });
    const mention = unitFound({ name: 'backup.service', command: 'mention', ...IDLE });
    expect(names(plan([mention, failed]).units)).toEqual(['app.service']);
  });

  test('are restarted under a socket, a timer or a path unit that is active', () => {
    const app = { ...APP, triggers: ['app.socket'] };
    expect(plan([app, SOCKET])).toMatchObject({ units: [], restarted: [app] });
    expect(plan([app, { ...SOCKET, ...IDLE }])).toMatchObject({ units: [app], restarted: [] });
  });
});

describe('left alone', () => {
  test.each<[string, FoundUnit[]]>([
    ['is a job', [unitFound({ name: 'app.service', ...JOB })]],
    [
      'is an instance per connection',
      [
        unitFound({ name: 'app@1.service', pids: [41], triggers: ['app.socket'] }),
        unitFound({ ...SOCKET, accept: true }),
      ],
    ],
    [
      'is what waits for its first connection',
      [unitFound({ name: 'app.service', ...IDLE, triggers: ['app.socket'] }), SOCKET],
    ],
  ])('%s', (_, units) => {
    const planned = plan(units);
    expect(planned).toMatchObject({ units: [], restarted: [], left: [units[0]] });
    expect(planned.obstacles).toEqual([]);
  });
});

describe('what somebody has stopped', () => {
  const side = unitFound({ name: 'side.service', role: 'wanted', command: 'no', ...IDLE });
  const migration = unitFound({ name: 'migrate.service', role: 'wanted', command: 'no', ...JOB });
  const app = { ...APP, wants: ['side.service', 'migrate.service'] };

  test('is not started along, while a job that comes before each start is', () => {
    const planned = plan([app, side, migration]);
    expect(startsAlone(planned)).toBe(true);
    expect(names(startedFirst(planned))).toEqual(['migrate.service']);
    expect(planned.notes).toEqual(['side.service is stopped now, and will stay stopped.']);
  });

  test('makes no difference where only jobs are stopped', () => {
    expect(startsAlone(plan([app, migration]))).toBe(false);
  });
});

describe('refused before the stop', () => {
  const kept = { pid: 41, supervisor: 'supervisord', supervisorPid: 7 } as FoundProcess;
  const byHand = { pid: 9, supervisor: '', supervisorPid: 0 } as FoundProcess;
  const user = unitFound({ name: 'app.service', user: 'app', pids: [41] });
  test.each<[RegExp, FoundUnit[], Record<string, string>, Partial<Found>?]>([
    [
      /service names worker\.service, but the file is run by app\.service/,
      [unitFound({ name: 'worker.service', command: 'no' }), APP],
      { service: 'worker' },
    ],
    [/app\.service is masked/, [unitFound({ name: 'app.service', load: 'masked', ...IDLE })], { service: 'app' }],
    [/is transient/, [{ ...APP, transient: true }], {}],
    [/refuses to be stopped/, [{ ...APP, stopRefused: true }], {}],
    [/pid 41 is kept running by supervisord \(pid 7\), the unit app\.service/, [APP], {}, { processes: [kept] }],
    [/pid 41 belongs to the unit app\.service/, [APP], { restart: 'process' }],
    [
      /pid 9 runs the file outside its unit app\.service, which is failed/,
      [unitFound({ name: 'app.service', active: 'failed' })],
      {},
      { processes: [byHand] },
    ],
    [/the path must never be empty/, [{ ...APP, triggers: ['app.socket'] }, SOCKET], { strategy: 'in-place' }],
    [/is a job that ends/, [unitFound({ name: 'app.service', ...JOB })], { 'health-url': 'http://localhost/' }],
    [
      /no process listens on port 80/,
      [unitFound({ name: 'app.service', ...IDLE, triggers: ['app.socket'] }), SOCKET],
      { 'health-port': '80' },
    ],
    [/lingering is not enabled/, [user], {}, { runAsLingers: false }],
    [/no user manager of app is running/, [], { service: 'user:app' }, { userManager: false }],
    [/under a different manager/, [user, APP], { service: 'app' }],
    [
      /user unit bob\.service of account 1001/,
      [],
      {},
      { otherUserUnits: [{ pid: 9, uid: '1001', unit: 'bob.service' }] },
    ],
    [
      /none of them is active/,
      [unitFound({ name: 'a.service', ...IDLE }), unitFound({ name: 'b.service', ...IDLE })],
      {},
    ],
  ])('%s', (why, units, given, seen = {}) => {
    const planned = plan(units, given, seen);
    expect(whys(planned)).toMatch(why);
    expect(planned.obstacles.every(({ remedy }) => remedy.length > 10)).toBe(true);
  });

  test('a leftover unit that nobody enabled does not stop a program that is run by hand', () => {
    const leftover = unitFound({ name: 'app.service', enabled: 'disabled', ...IDLE });
    expect(plan([leftover], {}, { processes: [byHand] })).toMatchObject({ unit: '', obstacles: [] });
  });
});

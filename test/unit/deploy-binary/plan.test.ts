import { describe, expect, test } from 'vitest';
import { schema } from '../../../actions/deploy-binary/inputs.ts';
import type { Found, FoundProcess } from '../../../actions/deploy-binary/inspect/found.ts';
import { planDeploy } from '../../../actions/deploy-binary/plan/decide.ts';
import { unitFound } from './unit-found.ts';

const OLD = 'a'.repeat(64);
const NEW = 'b'.repeat(64);
const BUILD = { workflow: 'team/service deploy', number: 7 };

const PROCESS: FoundProcess = {
  pid: 41,
  uid: '1001',
  user: 'svc',
  worker: false,
  live: true,
  same: 'yes',
  supervisor: '',
  supervisorPid: 0,
  supervised: '',
};

/** A healthy Debian host where `svc` runs the old version, looked at as root. */
const HOST: Found = {
  otherKernel: undefined,
  login: 'root',
  asRoot: true,
  sudo: false,
  needsRoot: undefined,
  sudoError: undefined,
  rootTool: '',
  toyboxTimeout: false,
  sudoRemedy: undefined,
  unitRemedy: undefined,
  commandsRefused: [],
  machine: 'x86_64',
  tools: new Set(['/proc', 'zstd', 'gzip', 'flock', 'setsid', 'sha256sum', 'stat', 'timeout']),
  interpreterExists: true,
  wantedOwner: undefined,
  wantedIds: undefined,
  loginIds: '0:0',
  wantedRunAs: undefined,
  missingUsers: [],
  missingGroup: undefined,
  accounts: '0 1001',
  runUid: '1001',
  lastRunAs: '',
  lastRunUid: '',
  processes: [PROCESS],
  strangers: [],
  contained: '',
  maybe: '',
  otherNames: 0,
  isMountPoint: false,
  siblings: [],
  unseen: '',
  sessionKills: false,
  lingers: false,
  folderRefused: undefined,
  folder: { path: '/opt/app', owner: 'svc', mode: '755', writable: true, mount: '/', options: ['rw'] },
  openFolder: undefined,
  openLog: undefined,
  freeBytes: 1e9,
  freeInodes: undefined,
  immutable: [],
  file: { owner: 'svc:svc', ids: '1000:1000', mode: '0755', bytes: 1000, sha256: OLD, capabilities: '' },
  fileProblem: undefined,
  seen: '',
  stateRefused: undefined,
  unfinished: undefined,
  locked: undefined,
  live: undefined,
  releases: [],
  lastRelease: undefined,
  ended: [],
  history: [],
  units: [],
  otherUserUnits: [],
  userManager: true,
  runAsLingers: true,
  serviceError: undefined,
  healthUntrusted: undefined,
  httpClient: 'curl',
  health: 'ok',
  portHolder: undefined,
  logProblem: undefined,
  logForeign: false,
  notes: [],
  directoryClosed: false,
};

function plan(given: Record<string, string>, seen: Partial<Found> = {}, sha256 = NEW) {
  const inputs = schema.parse({ host: 'web', destination: '/opt/app/server', source: 'server', ...given });
  const elf = { machine: 'x86_64', bits: 64 as const, interpreter: undefined };
  const source = inputs.source === undefined ? undefined : { path: 'server', bytes: 2_000_000, sha256, elf };
  const ids: Record<string, string> = { svc: '1000:1000', app: '1001:1001', 'svc:web': '1000:33', root: '0:0' };
  const wanted = {
    wantedOwner: inputs.owner,
    wantedIds: inputs.owner && ids[inputs.owner],
    wantedRunAs: inputs.runAs,
  };
  return planDeploy(inputs, { ...HOST, ...wanted, ...seen }, { source: source as never, build: BUILD });
}

describe('nothing is to be done', () => {
  test('where file, process and health already match', () => {
    expect(plan({}, {}, OLD)).toMatchObject({ kind: 'unchanged', steps: [] });
  });

  test('nor where a job of a timer still runs the old image: it finishes', () => {
    const units = [unitFound({ name: 'job.service', type: 'oneshot', active: 'activating', pids: [PROCESS.pid] })];
    expect(plan({}, { units, processes: [{ ...PROCESS, live: false }] }, OLD).kind).toBe('unchanged');
  });

  test.each<[string, Record<string, string>, Partial<Found>]>([
    ['another mode is wanted', { mode: '0750' }, {}],
    ['another owner is wanted', { owner: 'app' }, {}],
    ['force is set', { force: 'true' }, {}],
    ['no process runs it', {}, { processes: [] }],
    ['an outdated image of it is running', {}, { processes: [{ ...PROCESS, live: false }] }],
    ['another account runs it', { 'run-as': 'app' }, { runUid: '1002' }],
    ['it runs with other arguments', {}, { processes: [{ ...PROCESS, same: 'args' }] }],
    ['it is not healthy', { 'health-url': 'http://localhost/' }, { health: 'answers 500' }],
    ['its unit does not run it', { service: 'app' }, { units: [unitFound({ name: 'app.service' })] }],
  ])('but not where %s', (_, given, seen) => {
    expect(plan(given, seen, OLD).kind).toBe('deploy');
  });
});

describe('the bytes come', () => {
  test.each<[string, Record<string, string>, Partial<Found>, string]>([
    ['by an upload', {}, {}, NEW],
    ['from nowhere, being there', { force: 'true' }, {}, OLD],
  ])('%s', (_, given, seen, sha256) => {
    expect(plan(given, seen, sha256).file.from).toBe(sha256 === NEW ? 'upload' : 'in place already');
  });

  test('from a copy where only owner or mode differ, so that the old file stays as it was', () => {
    expect(plan({ mode: '0700' }, {}, OLD).file.from).toBe('a copy of it');
  });

  test('from a kept release, the newest for `previous`', () => {
    const releases = [NEW, 'c'.repeat(64)].map((sha256) => ({ sha256 }));
    const back = { source: '', 'rollback-to': 'previous' };
    const inputs = Object.fromEntries(Object.entries(back).filter(([, value]) => value !== ''));
    const planned = planDeploy(
      schema.parse({ host: 'web', destination: '/opt/app/server', ...inputs }),
      { ...HOST, releases },
      { source: undefined, build: BUILD },
    );
    expect(planned.file).toMatchObject({ from: 'release', sha256: NEW });
  });
});

describe('the mode of the present file', () => {
  const file = { ...HOST.file, mode: '6775' } as Found['file'];
  test.each<[string, Record<string, string>, object]>([
    ['stays while its owner does', {}, { mode: '6775', sameOwner: true, ownerIds: '1000:1000' }],
    ['lends no set-group-ID bit to another group', { owner: 'svc:web' }, { mode: '4775', sameOwner: true }],
    ['lends nothing to another owner', { owner: 'app' }, { mode: '0755', sameOwner: false, ownerIds: '1001:1001' }],
    ['is as given', { owner: 'app', mode: '4755' }, { mode: '4755', sameOwner: false }],
  ])('%s', (_, given, expected) => {
    expect(plan(given, { file })).toMatchObject(expected);
  });
});

describe('it is restarted', () => {
  const running = unitFound({ name: 'app.service', pids: [PROCESS.pid] });
  const named = (name: string) => unitFound({ name, command: 'no' });
  test.each<[string, Record<string, string>, Partial<Found>, object]>([
    ['as a process where no unit manages it', {}, {}, { restart: 'process', runAs: 'svc' }],
    ['by its unit where one does', {}, { units: [running] }, { restart: 'systemd', units: { unit: 'app.service' } }],
    ['by the unit named', { service: 'x' }, { units: [named('x.service')] }, { units: { unit: 'x.service' } }],
    [
      'by it also when its name has a dot',
      { service: 'api.prod' },
      { units: [named('api.prod.service')] },
      { units: { unit: 'api.prod.service' } },
    ],
    ['as the account of the new owner', { owner: 'app:app' }, {}, { runAs: 'app', owner: 'app:app' }],
  ])('%s', (_, given, seen, expected) => {
    expect(plan(given, seen)).toMatchObject({ kind: 'deploy', ...expected });
  });
});

describe('it is refused, every obstacle at once', () => {
  test.each<[Partial<Found>, RegExp, Record<string, string>?]>([
    [{ tools: new Set(['setsid', 'sha256sum', 'stat', 'timeout']) }, /no `flock`/],
    [{ sudoError: 'sudo refuses: a password is required', needsRoot: 'x' }, /sudo refuses: a password/],
    [{ machine: 'aarch64' }, /built for x86_64, but the target is aarch64/],
    [{ folderRefused: '/opt/app does not exist', folder: undefined }, /does not exist/],
    [{ fileProblem: '/opt/app/server is a folder' }, /is a folder/],
    [{ folder: { ...HOST.folder, options: ['ro'] } as Found['folder'] }, /mounted read-only/],
    [{ folder: { ...HOST.folder, options: ['noexec'] } as Found['folder'] }, /mounted noexec/],
    [{ immutable: ['file'] }, /the file is immutable/],
    [{ freeBytes: 2_500_000 }, /2\.0 MB needed, 2\.5 MB free/],
    [{ freeInodes: 19 }, /20 inodes needed, 19 free/],
    [{ missingUsers: ['svc'] }, /no user svc/],
    [{ missingGroup: 'svc' }, /no group svc/],
    [{ unseen: '77' }, /may not inspect pid 77, which may be running the file/],
    [{ sessionKills: true, asRoot: false, login: 'svc' }, /KillUserProcesses/],
    [{ httpClient: '' }, /the target has no HTTP client to request/, { 'health-url': 'http://localhost/' }],
    [{ portHolder: '9' }, /port 80 is held by another process/, { 'health-port': '80' }],
    [{}, /restart is none, but pid 41 runs/, { restart: 'none' }],
    [{ file: undefined }, /root would run a file from \/opt\/app/, { owner: 'root' }],
    [{ live: { workflow: BUILD.workflow, runNumber: 8, run: 'url' } }, /run 8 of this workflow is already deployed/],
    [{ openFolder: { path: '/opt', to: 'svc' } }, /root would run a file from \/opt, which svc/, { owner: 'root' }],
    [{}, /root would run a file that svc can change/, { 'run-as': 'root' }],
    [{ openLog: { path: '/x', to: 'svc' } }, /root would write to a log in \/x, where svc can link/, { owner: 'root' }],
    [{}, /app\.service is not-found/, { service: 'app' }],
    [{}, /the unit is unknown/, { restart: 'systemd' }],
  ])('%# %j: %s', (seen, why, given = {}) => {
    const planned = plan(given, seen);
    expect(planned.kind).toBe('refused');
    expect(planned.obstacles.map((obstacle) => obstacle.why).join('\n')).toMatch(why);
    expect(planned.obstacles.every(({ remedy }) => remedy.length > 10)).toBe(true);
  });

  test('several of them', () => {
    const { obstacles } = plan({}, { machine: 'aarch64', missingUsers: ['svc'], freeBytes: 0, immutable: ['folder'] });
    expect(obstacles).toHaveLength(4);
  });

  test('an older run is let through with allow-older, and one of another workflow anyway', () => {
    const live = { workflow: BUILD.workflow, runNumber: 8, run: 'url' };
    expect(plan({ 'allow-older': 'true' }, { live }).kind).toBe('deploy');
    expect(plan({}, { live: { ...live, workflow: 'another' } }).kind).toBe('deploy');
  });
});

describe('refused before anything is stopped is', () => {
  test.each<[string, Record<string, string>, Partial<Found>, RegExp]>([
    ['a program in a container', {}, { contained: '7' }, /^pid 7 runs the file inside a container/],
    ['a mount point', {}, { isMountPoint: true }, /^something is mounted at/],
    ['a file with another name', {}, { otherNames: 2 }, /has 2 other names \(hard links\)/],
    [
      'an old version that was moved away by hand',
      {},
      { processes: [], siblings: [{ pid: 7, path: '/opt/app/server.old' }] },
      /^pid 7 has the name of the file, but executes \/opt\/app\/server\.old/,
    ],
    ['a process that can not be inspected', {}, { processes: [], maybe: '7' }, /^no process is seen to run the file/],
    [
      'a program of another account than planned',
      {},
      { processes: [{ ...PROCESS, uid: '0', user: 'root' }] },
      /^pid 41 runs the file as root, but this step would start it as svc/,
    ],
    [
      'a second instance',
      {},
      { processes: [PROCESS, { ...PROCESS, pid: 42 }] },
      /^2 separate instances run the file \(pid 41, 42\)/,
    ],
  ])('%s', (_, given, seen, why) => {
    const { kind, obstacles } = plan(given, seen);
    expect(kind).toBe('refused');
    expect(obstacles.map((obstacle) => obstacle.why).join()).toMatch(why);
  });

  test.each<[string, Record<string, string>, Partial<Found>]>([
    ['its worker is not a second instance', {}, { processes: [PROCESS, { ...PROCESS, pid: 42, worker: true }] }],
    [
      'run-as says which account is meant',
      { 'run-as': 'svc' },
      { processes: [{ ...PROCESS, uid: '0', user: 'root' }] },
    ],
    ['a stranger runs it too', {}, { strangers: [{ pid: 9, uid: '9', user: 'mallory' }] }],
    ['force is set for another name', { force: 'true' }, { otherNames: 1 }],
  ])('but not where %s', (_, given, seen) => {
    expect(plan(given, seen).kind).toBe('deploy');
  });
});

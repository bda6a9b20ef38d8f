import { expect, test } from 'vitest';
import { schema } from '../../../actions/verify-deploy/inputs.ts';
import type { Found, FoundProcess } from '../../../actions/verify-deploy/inspect.ts';
import { verdict } from '../../../actions/verify-deploy/verdict.ts';

const SHA = 'a'.repeat(64);
const OTHER = 'b'.repeat(64);
const PROCESS: FoundProcess = {
  pid: 41,
  user: 'svc',
  uid: '1000',
  started: 2e9,
  worker: false,
  live: true,
  sha256: SHA,
};

/** All is well. */
const FOUND: Found = {
  otherKernel: undefined,
  user: 'svc',
  needsRoot: undefined,
  sudoError: undefined,
  sudoRemedy: undefined,
  file: { owner: 'svc:svc', ids: '1000:1000', mode: '0755', bytes: 1000, modified: 2e9 },
  fileProblem: undefined,
  unreadable: false,
  sha256: SHA,
  capabilities: '',
  strings: new Set(['v2']),
  searchFailed: false,
  processes: [PROCESS],
  strangers: [],
  unseen: '',
  hidden: false,
  service: { load: 'loaded', active: 'active', sub: 'running', main: '41', result: 'success', restarts: '0' },
  serviceError: undefined,
  port: ['ours'],
  health: 'ok 200',
  unstable: [],
  log: 'from yes 10',
  logReader: '',
  logLines: undefined,
  stateUnreadable: false,
  stateRefused: undefined,
  unfinished: undefined,
  deploying: undefined,
  history: undefined,
};

const ALL = {
  host: 'web',
  path: '/opt/app/server',
  sha256: SHA,
  strings: 'v2',
  'absent-strings': 'v1',
  owner: 'svc',
  mode: '755',
  capabilities: '',
  'modified-after': '1999999999',
  'run-as': 'svc',
  'started-after': '2033-01-01',
  service: 'server',
  'listen-port': '80',
  'health-url': 'http://localhost/',
  'stable-seconds': '1',
  'log-file': '/var/log/server',
  'log-absent-strings': 'panic',
};

function failed(seen: Partial<Found>, given: Record<string, string> = {}): string[] {
  const inputs = schema.parse({ ...ALL, ...given });
  const checks = verdict(inputs, inputs.sha256, { ...FOUND, ...seen });
  return checks.filter(({ ok }) => !ok).map(({ name, found }) => `${name}: ${found}`);
}

test('all holds where all is as expected', () => {
  expect(failed({})).toEqual([]);
});

test.each<[string, Partial<Found>, string[]]>([
  [
    'nothing at the path',
    { file: undefined },
    ['file: nothing', 'strings: not searched: there is no file', 'absent-strings: not searched: there is no file'],
  ],
  ['another digest', { sha256: OTHER, processes: [{ ...PROCESS, sha256: OTHER }] }, [`sha256: ${'b'.repeat(12)}`]],
  [
    'an old process after the file was replaced',
    { processes: [{ ...PROCESS, live: false, sha256: OTHER }] },
    [`running: pid 41 runs ${'b'.repeat(12)}, the file is ${'a'.repeat(12)}`],
  ],
  [
    'the same bytes, but a deleted file',
    { processes: [{ ...PROCESS, live: false }] },
    [`running: pid 41 runs a deleted image with the same sha256 ${'a'.repeat(12)}`],
  ],
  [
    'an old worker beside the new one',
    { processes: [PROCESS, { ...PROCESS, pid: 42, live: false, sha256: '' }] },
    [`running: pid 42 runs a deleted image, the file is ${'a'.repeat(12)}`],
  ],
  [
    'the text of another version',
    { strings: new Set(['v1']) },
    ['strings: missing: v2', 'absent-strings: present: v1'],
  ],
  [
    'another owner and mode',
    { file: { owner: 'x:x', ids: '1:1', mode: '0644', bytes: 1, modified: 2e9 } },
    ['owner: x:x', 'mode: 0644'],
  ],
  ['another account', { processes: [{ ...PROCESS, user: 'root', uid: '0' }] }, ['run-as: root']],
  ['another program on the port', { port: ['held by pid 9 (/bin/x)'] }, ['port: held by pid 9 (/bin/x)']],
  ['a closed port', { port: ['closed'] }, ['port: nothing listens']],
  ['a bad answer', { health: 'answers 500, not 200-399' }, ['health: answers 500, not 200-399']],
  ['a restart meanwhile', { unstable: ['pid 41 ended'] }, ['stable: pid 41 ended']],
  ['a line in the log', { logLines: 'panic!' }, ['log: panic!']],
  ['no log', { log: 'missing' }, ['log: the file does not exist']],
  [
    'an unfinished deploy',
    { unfinished: { phase: 'stop', run: 'run 7' } },
    ['deploy: run 7 was interrupted during `stop`; re-run deploy-binary'],
  ],
  ['a deploy in progress', { deploying: 'run 8' }, ['deploy: in progress: run 8']],
  ['no Linux', { otherKernel: 'FreeBSD' }, ['system: FreeBSD; only Linux is supported']],
])('%s is reported', (_, seen, expected) => {
  expect(failed(seen)).toEqual(expected);
});

test.each([
  { owner: 'svc:1000' },
  { owner: '1000:svc' },
  { owner: '1000' },
  { mode: '0755' },
  { mode: '00755' },
  { mode: '04755' },
])('however it is written: %j', (given) => {
  const mode = given.mode === '04755' ? '4755' : '0755';
  expect(failed({ file: { owner: 'svc:svc', ids: '1000:1000', mode, bytes: 1000, modified: 2e9 } }, given)).toEqual([]);
});

test('what this account may not see is red and says what would allow it', () => {
  const seen = failed({ processes: [], unseen: '41', sudoError: 'a password is required', port: ['unseen'] });
  expect(seen.filter((line) => line.includes('allow sudo without a password'))).toHaveLength(2);
});

test('with running: no a process is the failure', () => {
  const given = { host: 'web', path: '/opt/app/server', running: 'no' };
  const inputs = schema.parse(given);
  expect(verdict(inputs, undefined, FOUND).find(({ name }) => name === 'running')?.ok).toBe(false);
  expect(verdict(inputs, undefined, { ...FOUND, processes: [] }).every(({ ok }) => ok)).toBe(true);
});

import { describe, expect, test } from 'vitest';
import { type Case, casesOf } from '../../faults/cases.ts';
import { type Claim, judge, type Observed } from '../../faults/judge.ts';
import type { Seen } from '../../faults/observe.ts';

const [CASE] = casesOf(1, 1, 'signal-kill/swap') as [Case];
const serves = (version: string, pid: number): Seen => ({
  file: version,
  runs: [version],
  serves: version,
  pid,
  finished: true,
});
const claim = (state: string, version = 'v2', pid = ''): Claim => ({
  version,
  code: state === 'active' ? 0 : 1,
  state,
  pid,
  previous: 'v1',
  lost: false,
});
const GOOD: Observed = {
  struck: true,
  spoiled: false,
  oldPid: 10,
  rested: true,
  claims: [claim('active', 'v2', '20')],
  rest: serves('v2', 20),
  verify: { verified: true, failed: [] },
  next: claim('active', 'v4', '30'),
  after: serves('v4', 30),
  left: [],
  secrets: [],
  problems: [],
};
const OLD = { rest: serves('v1', 11), verify: { verified: false, failed: ['sha256'] } };
const DOWN: Seen = { file: 'v1', runs: [], serves: undefined, pid: undefined, finished: true };
const problems = (seen: Partial<Observed>, c: Case = CASE) => judge(c, { ...GOOD, ...seen }).problems;

describe('nothing is wrong when', () => {
  test.each<[string, Partial<Observed>]>([
    ['the new version is there and said to be', {}],
    ['the old one is back and said to be', { ...OLD, claims: [claim('rolled-back')] }],
    ['nothing is known, and verify-deploy tells', { ...OLD, claims: [claim('unknown')] }],
    ['the step was killed', { claims: [{ ...claim('unknown'), code: null }] }],
    [
      'nothing serves and the state says so',
      { claims: [claim('broken')], rest: DOWN, verify: { verified: false, failed: ['sha256', 'running', 'health'] } },
    ],
  ])('%s', (_, seen) => {
    expect(problems(seen)).toEqual([]);
  });
});

describe('it is a violation that', () => {
  test.each<[string, Partial<Observed>, string]>([
    ['the step is green with the old version', OLD, 'v2 says active (exit 0), but v1 serves'],
    [
      'nothing serves',
      { ...OLD, claims: [claim('rolled-back')], rest: DOWN },
      'left down: the file is v1, nothing runs',
    ],
    ['half a file is there', { claims: [claim('broken')], rest: { ...DOWN, file: 'other' } }, 'the file is other'],
    [
      'it says untouched, and another process serves',
      { ...OLD, claims: [claim('untouched')] },
      'the old process is gone',
    ],
    [
      'the colour is another than the state',
      { claims: [{ ...claim('active', 'v2', '20'), code: 1 }] },
      'its colour is',
    ],
    ['another process is named', { claims: [claim('active', 'v2', '21')] }, 'pid 20 serves, not 21'],
    [
      'verify-deploy is wrong',
      { verify: { verified: false, failed: ['health'] } },
      'verify-deploy says that health fails',
    ],
    ['the next deploy fails', { next: claim('untouched', 'v4') }, 'the next deploy ends as untouched'],
    ['something is left', { left: ['incoming'] }, 'left behind: incoming'],
    ['a secret is seen', { secrets: ['the key in a log'] }, 'secret found: the key in a log'],
    ['no fault came, and yet it is red', { ...OLD, struck: false, claims: [claim('rolled-back')] }, 'no fault struck'],
  ])('%s', (_, seen, said) => {
    expect(problems(seen).join('\n')).toContain(said);
  });
});

test('an unknown state is resolved by verify-deploy', () => {
  const ending = (failed: string[], verified = false) =>
    judge(CASE, { ...GOOD, claims: [claim('unknown')], verify: { verified, failed } }).ending;
  expect(ending([], true)).toBe('unknown, is new');
  expect(ending(['sha256'])).toBe('unknown, is old');
  expect(ending(['sha256', 'running', 'deploy'])).toBe('unknown, is unfinished');
  expect(ending(['sha256', 'running'])).toBe('unknown, is down');
});

describe('of an account that attacks', () => {
  const [attacked] = casesOf(1, 1, 'hostile-account/swap') as [Case];
  const gone = { rest: { ...DOWN, file: 'none' }, verify: { verified: false, failed: ['sha256', 'running'] } };

  test.each<[string, Partial<Observed>]>([
    ['its own program may be gone when the deploy says that it is broken', { ...gone, claims: [claim('broken')] }],
    ['its own program may be gone when the deploy changed nothing', { ...gone, claims: [claim('untouched')] }],
    ['it may kill what was proved', { ...gone, spoiled: true }],
  ])('%s', (_, seen) => {
    expect(problems(seen, attacked)).toEqual([]);
  });

  test.each<[string, Partial<Observed>, string]>([
    ['is green and nothing serves', gone, 'v2 says active (exit 0), but nothing serves'],
    ['says rolled-back with another file', { ...gone, claims: [claim('rolled-back')] }, 'but nothing serves'],
    ['says untouched with the new file', { claims: [claim('untouched')] }, 'the new version is in place'],
    ['is not followed by a good one', { next: claim('untouched', 'v4') }, 'the next deploy ends as untouched'],
    ['lends root', { problems: ['root executed /x'] }, 'root executed /x'],
  ])('it is a violation that a deploy %s', (_, seen, said) => {
    expect(problems(seen, attacked).join('\n')).toContain(said);
  });
});

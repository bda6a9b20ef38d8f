import { expect, test } from 'vitest';
import { lastLines, parseJobs } from '../../../lib/forge/job-logs.ts';

test.each([
  ['Forgejo', [{ id: 1, name: 'build', status: 'failure' }]],
  ['Gitea', { jobs: [{ id: 1, name: 'build', status: 'completed', conclusion: 'failure' }] }],
  ['GitHub', { jobs: [{ id: 1, name: 'build', status: 'completed', conclusion: 'timed_out' }] }],
])('a job that failed is the same whoever reports it: %s', (_, reported) => {
  expect(parseJobs(reported)).toEqual([{ id: 1, name: 'build', url: '', isFailed: true }]);
});

test('what is not a list of jobs gives none', () => {
  for (const reported of [undefined, null, 'x', {}, { jobs: 'x' }, [null, 1, { id: '../x' }, { id: 1.5 }]])
    expect(parseJobs(reported)).toEqual([]);
});

test('the last lines have no times, and end where the failure is reported', () => {
  expect(lastLines('\uFEFF2026-11-25T10:00:00.1Z one\r\n\r\n2026-11-25T10:00:01+01:00 two\n')).toEqual(['one', 'two']);
  expect(lastLines('one\n##[error]two\nthree\n')).toEqual(['one', '##\\[error]two']);
  expect(lastLines('')).toEqual([]);
  expect(lastLines('x\n'.repeat(99))).toHaveLength(30);
});

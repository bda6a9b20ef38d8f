import { expect, test } from 'vitest';
import { parseRun, parseRuns } from '../../../lib/forge/parse-run.ts';

const RUN = {
  title: '',
  actor: '',
  createdAt: 0,
  id: 4,
  number: 2,
  commit: 'c0ffee',
  branch: 'main',
  event: 'workflow_dispatch',
  workflow: 'deploy.yml',
  url: 'u',
};

test.each([
  [
    'Forgejo',
    {
      id: 4,
      index_in_repo: 2,
      status: 'success',
      commit_sha: 'c0ffee',
      prettyref: 'main',
      event: '',
      trigger_event: 'workflow_dispatch',
      workflow_id: 'deploy.yml',
      html_url: 'u',
    },
  ],
  [
    'Gitea',
    {
      id: 4,
      run_number: 2,
      status: 'completed',
      conclusion: 'success',
      head_sha: 'c0ffee',
      head_branch: 'main',
      event: 'workflow_dispatch',
      path: 'deploy.yml@refs/heads/main',
      html_url: 'u',
    },
  ],
  [
    'GitHub',
    {
      id: 4,
      run_number: 2,
      status: 'completed',
      conclusion: 'success',
      head_sha: 'c0ffee',
      head_branch: 'main',
      event: 'workflow_dispatch',
      workflow_id: 161335,
      path: '.github/workflows/deploy.yml',
      html_url: 'u',
    },
  ],
])('a run is the same from every source: %s', (_, told) => {
  expect(parseRun(told)).toEqual({ ...RUN, status: 'success', ended: true });
});

test.each([
  [{ status: 'queued' }, 'waiting', false],
  [{ status: 'in_progress' }, 'running', false],
  [{ status: 'blocked' }, 'blocked', false],
  [{ status: 'completed', conclusion: 'timed_out' }, 'failure', true],
  [{ status: 'completed', conclusion: 'neutral' }, 'success', true],
  [{}, 'unknown', false],
])('%j is %s', (told, status, ended) => {
  expect(parseRun({ id: 1, ...told })).toMatchObject({ status, ended });
});

test('what is not a list of runs gives none', () => {
  for (const told of [undefined, null, [], 'x', { workflow_runs: 'x' }, { workflow_runs: [null, 1, {}] }])
    expect(parseRuns(told)).toEqual([]);
});

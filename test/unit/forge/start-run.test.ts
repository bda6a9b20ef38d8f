import { expect, test } from 'vitest';
import type { WorkflowRun } from '../../../lib/forge/parse-run.ts';
import { candidates } from '../../../lib/forge/start-run.ts';

const NOON = Date.parse('2026-11-25T12:00:00Z');
const RUN: WorkflowRun = {
  id: 4,
  number: 2,
  status: 'waiting',
  ended: false,
  commit: 'c0ffee',
  branch: 'main',
  event: 'workflow_dispatch',
  workflow: 'deploy.yml',
  url: 'u',
  title: 'deploy run-1',
  actor: 'ada',
  createdAt: NOON,
};
const MARKS = {
  dispatch: { workflow: 'deploy.yml', ref: 'main', inputs: {} },
  before: new Set([3]),
  at: NOON,
  actor: 'Ada',
  marker: undefined,
};

test('the run of a dispatch has its file, branch, event, account and time', () => {
  expect(candidates([RUN], MARKS)).toEqual([RUN]);
  for (const other of [
    { id: 3 },
    { event: 'push' },
    { workflow: 'lint.yml' },
    { branch: 'next' },
    { actor: 'bob' },
    { createdAt: NOON - 60_000 },
  ])
    expect(candidates([{ ...RUN, ...other }], MARKS), JSON.stringify(other)).toEqual([]);
});

test('what a forge does not report about a run excludes none', () => {
  for (const unknown of [
    { workflow: '' },
    { branch: '' },
    { actor: '' },
    { createdAt: 0 },
    { branch: 'refs/heads/main' },
  ])
    expect(candidates([{ ...RUN, ...unknown }], MARKS), JSON.stringify(unknown)).toHaveLength(1);
  expect(candidates([{ ...RUN, actor: 'bob' }], { ...MARKS, actor: '' })).toHaveLength(1);
  expect(candidates([{ ...RUN, createdAt: 1 }], { ...MARKS, at: 0 })).toHaveLength(1);
});

test('a unique text in the title decides where a run has it', () => {
  const other = { ...RUN, id: 5, title: 'deploy' };
  expect(candidates([other, RUN], { ...MARKS, marker: 'run-1' })).toEqual([RUN]);
  expect(candidates([other, RUN], { ...MARKS, marker: 'run-2' })).toHaveLength(2);
});

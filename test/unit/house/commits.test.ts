import { expect, test } from 'vitest';
import { subjectProblem } from '../../../scripts/checks/commits.mjs';

test.each([
  "transfer: don't mistake a slow target for a slow link",
  'ssh, git: read the passphrase once',
  'lib/ssh: close the agent after the login',
  '.ci/run: install what is missing',
  `docs: ${'x'.repeat(66)}`,
])('the subject "%s" has the form', (subject) => {
  expect(subjectProblem(subject)).toBeUndefined();
});

test.each([
  ['Build the bundles of that', 'is not of the form `area: what changes`'],
  ['transfer:no space', 'is not of the form `area: what changes`'],
  ['Transfer: starts with a capital', 'is not of the form `area: what changes`'],
  [`docs: ${'x'.repeat(67)}`, 'has 73 characters; the limit is 72'],
])('the subject "%s" is refused', (subject, problem) => {
  expect(subjectProblem(subject)).toBe(problem);
});

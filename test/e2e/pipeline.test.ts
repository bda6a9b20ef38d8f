import { expect, test } from 'vitest';
import { runWorkflow } from '../support/act.ts';

test("the repository's own pipeline deploys, verifies, breaks a deploy and finds it rolled back, and bumps, in a real runner", async () => {
  const { code, log } = await runWorkflow('.forgejo/workflows/self-test.yml');
  expect(log).toContain(
    'said: active active true true failure false failure rolled-back pushed up-to-date; serves: v2',
  );
  expect(code, log).toBe(0);
});

import { expect, test } from 'vitest';
import { runWorkflow } from '../support/act.ts';

test("the repository's own pipeline deploys, breaks a deploy and finds it rolled back, in a real runner", async () => {
  const { code, log } = await runWorkflow('.forgejo/workflows/self-test.yml');
  expect(log).toContain('said: active active true failure rolled-back; serves: v2');
  expect(code, log).toBe(0);
});

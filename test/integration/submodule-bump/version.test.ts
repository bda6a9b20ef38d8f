import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { step } from '../../support/action.ts';

const folder = mkdtempSync('/tmp/fdt-path-');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the git of the runner', () => {
  it.each([
    ['that is missing is named', undefined, 'there is no git on this runner.'],
    [
      'that is too old is named',
      'git version 2.25.1',
      'this runner has git 2.25; this action needs git 2.30 or later.',
    ],
    ['that prints something else is named', 'hello', 'the `git` of this runner does not report a version.'],
  ])('%s before anything is asked of a server', async (_, version, why) => {
    rmSync(`${folder}/git`, { force: true });
    if (version !== undefined) writeFileSync(`${folder}/git`, `#!/bin/sh\necho '${version}'\n`, { mode: 0o755 });
    const { code, log } = await step('submodule-bump', {
      inputs: { repository: 'https://127.0.0.1:1/team/gb.git', token: 'user-token-0123456789' },
      env: { PATH: folder },
    });
    expect(code, log).toBe(1);
    expect(log).toContain("Error: Checking the runner's git failed.");
    expect(log).toContain(`why:    ${why}`);
  });
});

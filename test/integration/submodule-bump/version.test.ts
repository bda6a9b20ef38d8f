import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { step } from '../../support/action.ts';
import { gitServer } from '../../support/git-server.ts';
import { oldGit } from '../../support/old-git.ts';

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

  it('that is the oldest one moves a pointer with its token, and takes the token to no other server', async (context) => {
    const bin = oldGit();
    if (bin === undefined) return context.skip('git 2.30 could not be had from Debian');
    await using server = await gitServer();
    server.makeRoot('gb', ['botserver', 'botui']);
    const newest = ['botserver', 'botui'].map((name) => server.commit(`team/${name}`));
    server.token = 'user-token-0123456789';
    const bump = () =>
      step('submodule-bump', {
        inputs: { repository: 'team/gb', token: server.token, sweep: true },
        env: {
          GITHUB_SERVER_URL: server.url,
          GITHUB_REPOSITORY: 'team/botserver',
          GITHUB_SHA: newest[0] as string,
          PATH: `${bin}:${process.env.PATH}`,
        },
      });
    const { code, log, outputs } = await bump();
    expect(code, log).toBe(0);
    expect(outputs.result).toBe('pushed');
    expect(['botserver', 'botui'].map((name) => server.pointer('gb', name))).toEqual(newest);
    await using other = await gitServer();
    server.redirectTo = other.url;
    const redirected = await bump();
    expect(redirected.code).toBe(1);
    expect(redirected.log).toContain('the server redirects to another address, and the token is only for this one.');
    expect(other.authorizations).toEqual([]);
  });
});

import { chmodSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { step } from '../../support/action.ts';
import { type GitServer, gitServer } from '../../support/git-server.ts';
import { expectTranscript } from '../../support/transcript.ts';

const TOKEN = 'user-token-0123456789';

it('the log of a bump', async () => {
  await using server = await gitServer();
  server.makeRoot('root', ['server']);
  server.commit('team/server', { subject: 'Answer faster' });
  server.commit('team/server', { subject: 'Speak TLS' });
  await bumped('bump', server, 'server');
});

it('the log of a bump that loses a race to another push', async () => {
  await using server = await gitServer();
  server.makeRoot('root', ['server', 'client']);
  server.commit('team/server', { subject: 'Answer faster' });
  const faster = server.git('team/root', 'commit-tree', 'main^{tree}', '-p', 'main', '-m', 'Faster than the bump');
  const hook = `${server.folder}/team/root.git/hooks/pre-receive`;
  writeFileSync(hook, `#!/bin/sh\nrm "$0"\nenv -u GIT_QUARANTINE_PATH git update-ref refs/heads/main ${faster}\n`);
  chmodSync(hook, 0o755);
  await bumped('bump-raced', server, 'server');
});

async function bumped(name: string, server: GitServer, submodule: string): Promise<void> {
  const ended = await step('submodule-bump', {
    inputs: { repository: 'team/root', token: TOKEN },
    env: {
      GITHUB_SERVER_URL: server.url,
      GITHUB_REPOSITORY: `team/${submodule}`,
      GITHUB_SHA: server.git(`team/${submodule}`, 'rev-parse', 'main'),
    },
  });
  expect(ended.outputs.result, ended.log).toBe('pushed');
  await expectTranscript(name, ended.log, [[server.url, 'https://forge.example']]);
}

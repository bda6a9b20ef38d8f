import { expect, it, onTestFinished } from 'vitest';
import { start } from '../../support/action.ts';
import { forge } from '../../support/forge.ts';
import { gitServer } from '../../support/git-server.ts';

it('a step whose runner was killed finishes its work, though nobody reads its log any more', async () => {
  await using server = await gitServer();
  server.makeRoot('gb', ['botserver']);
  const commit = server.commit('team/botserver');
  await using api = await forge('forgejo 15', server.url);
  api.commitOf = () => server.git('team/gb', 'rev-parse', 'main');
  api.course = ['running', 'running', 'success'];
  const running = start('submodule-bump', {
    inputs: { repository: 'team/gb', token: 'user-token-0123456789', dispatch: 'deploy.yml', wait: true },
    env: { GITHUB_SERVER_URL: api.url, GITHUB_REPOSITORY: 'team/botserver', GITHUB_SHA: commit },
  });
  await running.saw('Waiting for run');
  onTestFinished(() => void running.process.kill('SIGKILL'));
  for (const stream of [running.process.stdout, running.process.stderr]) stream?.destroy();
  const { code, outputs } = await running.ended;
  expect(code).toBe(0);
  expect(outputs).toMatchObject({ result: 'pushed', 'new-commit': commit });
}, 30_000);

import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { step } from '../../support/action.ts';
import { gitServer } from '../../support/git-server.ts';

it.each([
  ['ahead', 'diverged', 1],
  ['up to date', 'pushed', 0],
] as const)('a further remote that is shallow and %s is %s', async (place, state, code) => {
  await using server = await gitServer();
  server.makeRoot('gb', ['botserver']);
  await using mirror = await gitServer();
  for (const name of ['gb', 'botserver']) mirror.create(`team/${name}`);
  const files = {
    '.gitmodules': server.git('team/gb', 'show', 'main:.gitmodules'),
    botserver: `gitlink ${server.pointer('gb', 'botserver')}`,
  };
  for (const subject of ['one', 'two']) server.commit('team/gb', { subject, files });
  const before = server.git('team/gb', 'rev-parse', 'main');
  const commit = server.commit('team/botserver');
  server.git('team/botserver', 'push', '-q', `${mirror.folder}/team/botserver.git`, 'main');
  if (place === 'ahead') server.commit('team/gb', { subject: 'newer', files });
  if (place === 'ahead') server.commit('team/gb', { subject: 'newest', files });
  execFileSync(
    'git',
    ['--git-dir', `${mirror.folder}/team/gb.git`, 'fetch', '-q', '--depth=1'].concat([
      `file://${server.folder}/team/gb.git`,
      'main:main',
    ]),
  );
  if (place === 'ahead') server.git('team/gb', 'update-ref', 'refs/heads/main', before);
  const {
    code: ended,
    log,
    outputs,
  } = await step('submodule-bump', {
    inputs: {
      repository: `file://${server.folder}/team/gb.git`,
      submodule: 'botserver',
      commit,
      remotes: `mirror=file://${mirror.folder}/team/gb.git`,
    },
    env: {},
  });
  expect(ended, log).toBe(code);
  expect(JSON.parse(outputs.remotes ?? '[]')).toMatchObject([{ state: 'pushed' }, { name: 'mirror', state }]);
});

it("a submodule whose URL is one of ssh on the root's host is read over http with `token`", async () => {
  await using server = await gitServer();
  const modules = '[submodule "botserver"]\n\tpath = botserver\n\turl = git@127.0.0.1:team/botserver.git\n';
  server.makeRoot('gb', ['botserver'], { modules });
  const commit = server.commit('team/botserver');
  server.token = 'user-token-0123456789';
  const { code, log, outputs } = await step('submodule-bump', {
    inputs: { repository: 'team/gb', submodule: 'botserver', token: server.token },
    env: { GITHUB_SERVER_URL: server.url, GITHUB_REPOSITORY: 'team/botserver', GITHUB_SHA: commit },
  });
  expect(code, log).toBe(0);
  expect(outputs).toMatchObject({ result: 'pushed', 'new-commit': commit });
  expect(log).toContain(`Reading git@127.0.0.1:team/botserver.git as ${server.url}/team/botserver.git`);
});

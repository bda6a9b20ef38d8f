import { expect, it } from 'vitest';
import { type Step, step } from '../../support/action.ts';
import { gitServer } from '../../support/git-server.ts';
import { proxy } from '../../support/proxy.ts';

function bump({ port }: { port: number }): Promise<Step> {
  return step('submodule-bump', {
    inputs: { repository: `http://127.0.0.1:${port}/team/gb.git`, submodule: 'botserver', commit: 'main' },
  });
}

/** Bytes before the end of what a bump sends: the pack, the request's head, the question before it. */
const BEFORE_THE_END = [1, 2, 50, 150, 250, 350, 450, 550, 650];

it('a connection that is cut at any byte of a push ends with exactly one commit', async () => {
  await using server = await gitServer();
  server.makeRoot('gb', ['botserver']);
  const { port } = new URL(server.url);
  await using between = await proxy(Number(port));
  server.commit('team/botserver');
  await bump(between);
  const whole = between.bytesUp;
  let commits = Number(server.git('team/gb', 'rev-list', '--count', 'main'));
  for (const before of BEFORE_THE_END) {
    const commit = server.commit('team/botserver');
    between.resetAfter(whole - before);
    const { outputs, log } = await bump(between);
    between.heal();
    expect(outputs.result, `${before} bytes before the end:\n${log}`).toBe('pushed');
    expect(server.pointer('gb', 'botserver')).toBe(commit);
    commits += 1;
    expect(server.git('team/gb', 'rev-list', '--count', 'main')).toBe(String(commits));
  }
}, 120_000);

it('a server that never answers a push is given up, with the reason, and nothing twice', async () => {
  await using server = await gitServer();
  server.makeRoot('gb', ['botserver']);
  await using between = await proxy(Number(new URL(server.url).port));
  server.commit('team/botserver');
  server.pushDelayMs = 60_000;
  const { code, log } = await step('submodule-bump', {
    inputs: {
      repository: `http://127.0.0.1:${between.port}/team/gb.git`,
      submodule: 'botserver',
      commit: 'main',
      'deadline-seconds': 1,
    },
  });
  expect(code).toBe(1);
  expect(log).toContain('why:    it did not land within 1 s.');
  expect(server.git('team/gb', 'rev-list', '--count', 'main')).toBe('1');
}, 120_000);

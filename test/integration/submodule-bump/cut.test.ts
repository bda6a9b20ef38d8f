import { expect, it } from 'vitest';
import { type Step, step } from '../../support/action.ts';
import { type GitServer, gitServer } from '../../support/git-server.ts';
import { type Proxy as Between, proxy } from '../../support/proxy.ts';
import { sshd } from '../../support/sshd.ts';

function bump(repository: string, inputs: Record<string, string> = {}): Promise<Step> {
  return step('submodule-bump', { inputs: { repository, submodule: 'botserver', commit: 'main', ...inputs } });
}

/**
 * Cuts a push at so many places, evenly spread over all the bytes it sends, and expects one commit in the root for each, on
 * top of the last. Each git process has one connection, and a push is the last; a whole one tells how many bytes it has.
 */
async function expectOneCommitEach(
  { server, between }: { server: GitServer; between: Between },
  run: () => Promise<Step>,
  places: number,
): Promise<void> {
  server.commit('team/botserver');
  await run();
  const pushed = between.bytesUpOf.at(-1) ?? 0;
  const usual = between.connections;
  expect(pushed).toBeGreaterThan(500);
  for (let place = 0; place < places; place += 1) {
    const [commit, tip] = [server.commit('team/botserver'), server.git('team/gb', 'rev-parse', 'main')];
    const at = Math.round(1 + ((pushed - 2) * place) / (places - 1));
    const before = between.connections;
    between.resetIn(usual - 1, at);
    const { outputs, log } = await run();
    between.heal();
    // At the very end git may be done before it notices.
    if (place < places / 2) expect(between.connections - before, log).toBeGreaterThan(usual);
    expect(outputs.result, `at ${at} of ${pushed} bytes:\n${log}`).toBe('pushed');
    expect(server.pointer('gb', 'botserver')).toBe(commit);
    expect(server.git('team/gb', 'log', '-1', '--format=%H %P', 'main')).toBe(`${outputs['root-commit']} ${tip}`);
  }
}

it('a connection that is cut at any byte of a push over HTTP ends with exactly one commit', async () => {
  await using server = await gitServer();
  server.makeRoot('gb', ['botserver']);
  await using between = await proxy(Number(new URL(server.url).port));
  const run = () => bump(`http://127.0.0.1:${between.port}/team/gb.git`);
  await expectOneCommitEach({ server, between }, run, 24);
}, 400_000);

it('a connection that is cut at any byte of a push over ssh ends with exactly one commit', async () => {
  await using server = await gitServer();
  server.makeRoot('gb', ['botserver']);
  await using host = await sshd({ config: 'KexAlgorithms curve25519-sha256' });
  await using between = await proxy(host.port);
  const login = {
    'ssh-key': host.key,
    'known-hosts': host.knownHosts.replaceAll(`:${host.port} `, `:${between.port} `),
  };
  const url = `ssh://root@127.0.0.1:${between.port}${server.folder}/team/gb.git`;
  await expectOneCommitEach({ server, between }, () => bump(url, login), 9);
}, 400_000);

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
  expect(log).toContain('why:    it was not pushed within 1 s.');
  expect(server.git('team/gb', 'rev-list', '--count', 'main')).toBe('1');
}, 120_000);

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
 * top of the last. A dry run and a whole one tell how many bytes that are.
 */
async function expectOneCommitEach(
  { server, between }: { server: GitServer; between: Between },
  run: (inputs?: Record<string, string>) => Promise<Step>,
  places: number,
): Promise<void> {
  const bytesOf = async (inputs: Record<string, string>) => {
    const before = between.bytesUp;
    await run(inputs);
    return between.bytesUp - before;
  };
  server.commit('team/botserver');
  const unpushed = await bytesOf({ 'dry-run': 'true' });
  const pushed = (await bytesOf({})) - unpushed;
  expect(pushed).toBeGreaterThan(500);
  for (let place = 0; place < places; place += 1) {
    const [commit, tip] = [server.commit('team/botserver'), server.git('team/gb', 'rev-parse', 'main')];
    // The bytes before vary by a few; never so few that the push has not begun.
    const at = unpushed + Math.round(20 + ((pushed - 21) * place) / (places - 1));
    between.resetAfter(at);
    const { outputs, log } = await run();
    between.heal();
    expect(outputs.result, `at ${at - unpushed} of ${pushed} bytes:\n${log}`).toBe('pushed');
    expect(server.pointer('gb', 'botserver')).toBe(commit);
    expect(server.git('team/gb', 'log', '-1', '--format=%H %P', 'main')).toBe(`${outputs['root-commit']} ${tip}`);
  }
}

it('a connection that is cut at any byte of a push over HTTP ends with exactly one commit', async () => {
  await using server = await gitServer();
  server.makeRoot('gb', ['botserver']);
  await using between = await proxy(Number(new URL(server.url).port));
  const run = (inputs = {}) => bump(`http://127.0.0.1:${between.port}/team/gb.git`, inputs);
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
  await expectOneCommitEach({ server, between }, (inputs = {}) => bump(url, { ...login, ...inputs }), 9);
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
  expect(log).toContain('why:    it did not land within 1 s.');
  expect(server.git('team/gb', 'rev-list', '--count', 'main')).toBe('1');
}, 120_000);

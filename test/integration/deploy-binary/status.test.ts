import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { type Forge, type ForgeKind, forge } from '../../support/forge.ts';
import { program, sha256 } from '../../support/programs.ts';
import { commandIn } from '../../support/runners.ts';
import { freePort } from '../../support/sshd.ts';
import { target } from '../../support/target.ts';

const TOKEN = 'user-token-0123456789';
const COMMIT = 'c0ffee'.repeat(7).slice(0, 40);

function runOn(api: { url: string }, kind: ForgeKind = 'forgejo 15'): Record<string, string> {
  const isGithub = kind === 'github';
  return {
    GITHUB_SERVER_URL: api.url,
    GITHUB_API_URL: `${api.url}/api/${isGithub ? 'v3' : 'v1'}`,
    GITHUB_SHA: COMMIT,
    ...(isGithub ? { FORGEJO_ACTIONS: '', GITHUB_RUN_ID: '7' } : {}),
    ...(kind.startsWith('gitea') ? { FORGEJO_ACTIONS: '', GITEA_ACTIONS: 'true' } : {}),
  };
}

const statesOf = (api: Forge) => api.statuses.map(({ context, state }) => `${context} ${state}`);

describe('the commit status of a target', () => {
  it.each(['forgejo 15', 'gitea 1.26', 'github'] as const)('is pending, then a success, on %s', async (kind) => {
    await using api = await forge(kind, 'http://127.0.0.1:1');
    await using host = await target();
    await host.startByHand(program('v1'));
    const source = program(kind === 'forgejo 15' ? 'v2' : 'v1');
    const inputs = { source, 'status-context': 'deploy', token: TOKEN };
    const { code, log } = await host.deploy(inputs, runOn(api, kind));
    expect(code, log).toBe(0);
    const context = `deploy/${host.usual.host}`;
    const target_url = `${api.url}/team/service/actions/runs/7`;
    const digest = sha256(source).slice(0, 12);
    const state = kind === 'forgejo 15' ? 'active' : 'unchanged';
    expect(api.statuses).toEqual([
      { sha: COMMIT, context, target_url, state: 'pending', description: 'in progress' },
      { sha: COMMIT, context, target_url, state: 'success', description: `${state} (${digest})` },
    ]);
    expect(log.replace(/^::add-mask::.*$/gm, '')).not.toContain(TOKEN);
  });

  it('is a failure for the one that failed, and says of each other one what became of it', async () => {
    await using api = await forge('forgejo 15', 'http://127.0.0.1:1');
    await using host = await target();
    await host.startByHand(program('v1'));
    const [address, port] = String(host.usual.host).split('@')[1]?.split(':') ?? [];
    const hosts = [`root@${address}:1`, `root@${address}:${port}`].join('\n');
    const inputs = { host: hosts, source: program('v2'), 'status-context': 'deploy', 'connect-timeout-seconds': 1 };
    const { code, log } = await host.deploy(inputs, { ...runOn(api), FORGEJO_TOKEN: 'automatic-0123456789' });
    expect(code, log).toBe(1);
    const [first, second] = hosts.split('\n');
    expect(statesOf(api).toSorted()).toEqual(
      [
        `deploy/${first} failure`,
        `deploy/${first} pending`,
        `deploy/${second} error`,
        `deploy/${second} pending`,
      ].toSorted(),
    );
    expect(api.authorizations).toEqual(Array(4).fill('token automatic-0123456789'));
  });

  it('of a version that was rolled back is a failure, in words that are none of the target', async () => {
    await using api = await forge('forgejo 15', 'http://127.0.0.1:1');
    await using host = await target();
    await host.startByHand(program('v1'));
    const inputs = { source: program('bad', 'exits at once'), 'status-context': 'deploy', token: TOKEN };
    expect((await host.deploy(inputs, runOn(api))).outputs.state).toBe('rolled-back');
    expect(api.statuses.at(-1)).toMatchObject({ state: 'failure' });
    expect(api.statuses.at(-1)?.description).toMatch(/^rolled-back \([0-9a-f]{12}\)$/);
  });

  it('of a dry run, or without status-context, is left alone', async () => {
    await using api = await forge('forgejo 15', 'http://127.0.0.1:1');
    await using host = await target();
    await host.startByHand(program('v1'));
    const dry = { source: program('v2'), 'status-context': 'deploy', token: TOKEN, 'dry-run': true };
    expect((await host.deploy(dry, runOn(api))).code).toBe(0);
    expect((await host.deploy({ source: program('v1') }, runOn(api))).code).toBe(0);
    expect(api.asked).toEqual([]);
  });
});

describe("a good deploy whose commit status can't be set stays green, with one warning", () => {
  const refusals: [status: number, body: string, why: string][] = [
    [401, `{"message":"invalid token ${TOKEN}"}`, 'the token is refused (401).'],
    [403, '{"message":"\\u001b[2J\\n::set-env name=A::b"}', 'the token lacks permission (403).'],
    [404, '<html>', 'not found, or not visible to this token (404).'],
    [422, '{"message":"This SHA and context has reached the maximum number of statuses."}', 'the forge refused'],
    [307, '', 'the forge redirects to https://elsewhere.example/'],
    [500, 'x', 'the forge failed (500).'],
    [201, '{"id":', 'the answer (201) is not JSON'],
  ];
  it('whatever the forge answers', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    for (const [status, body, why] of refusals) {
      await using api = await forge('forgejo 15', 'http://127.0.0.1:1');
      api.refuse = { status, body, times: 99, headers: { location: 'https://elsewhere.example/' } };
      const inputs = { source: program('v1'), 'status-context': 'deploy', token: TOKEN };
      const { code, log, outputs } = await host.deploy(inputs, runOn(api));
      expect(code, log).toBe(0);
      expect(outputs.state).toBe('unchanged');
      expect(log.match(/^Warning: The commit status could not be set: .*$/gm)).toHaveLength(1);
      expect(log).toContain(why);
      expect(log.replace(/^::add-mask::.*$/gm, '')).not.toContain(TOKEN);
      const commands = log.split('\n').flatMap((line) => commandIn(line) ?? []);
      expect(commands.filter(({ name }) => name !== 'add-mask')).toEqual([]);
    }
  });

  it('because there is no token, the forge is away, or it never answers: the deploy is not held up by it', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const silent = createServer(() => undefined);
    await new Promise<void>((listening) => silent.listen(0, '127.0.0.1', listening));
    const { port } = silent.address() as { port: number };
    const closed = `http://127.0.0.1:${await freePort()}`;
    for (const [url, token, why] of [
      [closed, undefined, 'there is no `token`.'],
      [closed, TOKEN, "the forge can't be reached: nothing listens at that address"],
      [`http://127.0.0.1:${port}`, TOKEN, 'the forge did not take all of them within 10 s.'],
    ] as const) {
      const startedAt = Date.now();
      const inputs = { source: program('v1'), 'status-context': 'deploy', token };
      const { code, log } = await host.deploy(inputs, runOn({ url }));
      expect(code, log).toBe(0);
      expect(log).toContain(`Warning: The commit status could not be set: ${why}`);
      expect(Date.now() - startedAt).toBeLessThan(40_000);
    }
    silent.closeAllConnections();
    silent.close();
  });
});

import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerChannel } from 'ssh2';
import { describe, expect, it } from 'vitest';
import type { ActionContext } from '../../../lib/action/action.ts';
import { hiding } from '../../../lib/secrets.ts';
import { connect } from '../../../lib/ssh/connect.ts';
import { type Ran, runProgram } from '../../../lib/ssh/run.ts';
import { type Hostility, hostileServer, KEY, say } from '../../support/hostile-server.ts';

const LIMIT_SECONDS = 1;

describe('a program on a hostile target', () => {
  it.each([
    ['drips byte after byte', { answer: (_, channel) => void drip(channel, 'begin\nkey=value\n'.repeat(100)) }],
    ['says nothing and stays', { answer: () => undefined }],
    ['never opens the session', { answer: () => undefined, ignores: true }],
  ] as [string, Hostility][])('that %s has a limit', async (_, hostility) => {
    const startedAt = Date.now();
    await expect(run(hostility)).rejects.toThrow(
      /^Asking on root@127\.0\.0\.1:\d+ failed\.\n {2}why: {4}timed out after 1 s\./,
    );
    expect(Date.now() - startedAt).toBeLessThan(10_000);
  });

  it('that says more than any program says fails, with what is known of the state', async () => {
    const lines = 'begin\n'.concat('key=value\n'.repeat(30_000));
    await expect(run({ answer: (_, channel) => say(channel, lines) })).rejects.toThrow(
      /why: {4}the target answered more than 20000 lines\.\n {2}state: {2}untouched\./,
    );
  });

  it('is quoted without the secrets it was given', async () => {
    const answer: Hostility['answer'] = (_, channel) => {
      channel.stderr.write("+ APP_KEY='it'\\''s secret'\n");
      say(channel, 'begin\nwhy=the key is {"key":"it\'s secret"}\nend\n');
    };
    const ran = await run({ answer });
    expect(ran.prose).toBe("+ APP_KEY='***'\n");
    expect(ran.answer.quote('why')).toBe('the key is {"key":"***"}');
  });

  it('that is answered by a sentence fails with that sentence', async () => {
    const ran = await run({ answer: (_, channel) => say(channel, 'Please login as the user "admin".\n', 142) });
    expect(ran).toMatchObject({ complete: false, begun: false, prose: 'Please login as the user "admin".\n' });
  });
});

async function run(hostility: Hostility): Promise<Ran> {
  await using server = await hostileServer(hostility);
  const nothing = () => undefined;
  const log = { line: nothing, phase: nothing, warning: nothing, mask: nothing } as never;
  const context = { log, env: () => '/nonexistent', signal: new AbortController().signal } as unknown as ActionContext;
  await using host = await connect(
    {
      host: `root@127.0.0.1:${server.port}`,
      'ssh-key': KEY.private,
      'known-hosts': server.knownHosts,
      sudo: 'never',
      transport: 'builtin',
    },
    context,
  );
  return await runProgram(
    host,
    { text: 'main', values: {} },
    {
      what: 'Asking',
      state: 'untouched.',
      sudo: false,
      limitSeconds: LIMIT_SECONDS,
      clean: hiding(["APP_KEY=it's secret"]),
    },
  );
}

async function drip(channel: ServerChannel, text: string): Promise<void> {
  for (const byte of text) {
    if (!channel.writable) return;
    channel.write(byte);
    await sleep(20);
  }
}

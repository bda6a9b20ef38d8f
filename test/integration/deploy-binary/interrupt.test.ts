import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { program, sha256 } from '../../support/programs.ts';
import { proxy } from '../../support/proxy.ts';
import { type TestTarget, target, textOf } from '../../support/target.ts';

/** A moment of a deploy by what the log shows, and which version must serve in the end. */
const MOMENTS: [moment: string, log: string, serves: RegExp][] = [
  ['while it uploads', 'upload          ', /^v1$/],
  ['while it stops the old program', 'stop            ', /^v2$/],
  ['while it starts the new one', 'start           ', /^v2$/],
  ['in the stable window', 'stable          ', /^v2$/],
];

const INPUTS = { 'stable-seconds': 1.5, 'stop-timeout-seconds': 1 };

describe('when the runner is killed, the target finishes on its own, complete and serving', () => {
  it.each(MOMENTS)('%s', async (_, log, serves) => {
    await using host = await target();
    await using slow = await proxy(host.sshd.port, { bytesPerSecond: 4e6 });
    await host.startByHand(program('v1', 'ignores TERM'));
    const source = { source: program('v2', 'starts slowly', 30e6), transfer: 'plain' };
    const step = host.startDeploy({ ...INPUTS, ...source, ...through(slow.port) });
    await step.saw(log);
    step.process.kill('SIGKILL');
    await step.ended;
    await atRest(host);
    expect((await host.health())?.version).toMatch(serves);
    expect(host.stateFiles()).not.toContain('incoming');
    const next = await host.deploy({ ...INPUTS, source: program('v3') });
    expect(next.outputs.state).toBe('active');
    expect(await host.health()).toMatchObject({ version: 'v3' });
  });
});

describe('a lost connection', () => {
  it.each(MOMENTS.slice(1))('%s is made again, and the end learned', async (_, log) => {
    await using host = await target();
    await using between = await proxy(host.sshd.port);
    await host.startByHand(program('v1', 'ignores TERM'));
    const step = host.startDeploy({ ...INPUTS, source: program('v2', 'starts slowly'), ...through(between.port) });
    await step.saw(log);
    between.reset();
    const { outputs, code, log: told } = await step.ended;
    expect(told).toContain('The transaction continues on the target; reconnecting to follow it.');
    expect(outputs).toMatchObject({ state: 'active', pid: String((await host.health())?.pid) });
    expect(code).toBe(0);
    expect(await host.health()).toMatchObject({ version: 'v2' });
  });

  it('is learned as rolled back when the new version fails meanwhile', async () => {
    await using host = await target();
    await using between = await proxy(host.sshd.port);
    await host.startByHand(program('v1'));
    const step = host.startDeploy({
      ...INPUTS,
      source: program('bad', 'exits after 900 ms'),
      ...through(between.port),
    });
    await step.saw('stable          ');
    between.reset();
    const { outputs, log } = await step.ended;
    expect(outputs.state).toBe('rolled-back');
    expect(log).toContain('| fatal: out of cheese');
    expect(await host.health()).toMatchObject({ version: 'v1' });
  });

  it('that stalls in both directions is noticed and made again', async () => {
    await using host = await target();
    await using between = await proxy(host.sshd.port);
    await host.startByHand(program('v1', 'ignores TERM'));
    const step = host.startDeploy({
      ...INPUTS,
      source: program('v2'),
      'keepalive-seconds': 1,
      ...through(between.port),
    });
    await step.saw('stop            ');
    between.stall();
    await sleep(5000);
    between.heal();
    expect((await step.ended).outputs.state).toBe('active');
  });

  it('before the upload is whole leaves the running version untouched', async () => {
    await using host = await target();
    await using between = await proxy(host.sshd.port);
    await host.startByHand(program('v1'));
    between.resetAfter(5e6);
    // Compressed, as over a slow link, it would be whole before the cut.
    const source = { source: program('v2', 'healthy', 30e6), transfer: 'plain' };
    const { outputs, log } = await host.deploy({ ...source, ...through(between.port) });
    expect(outputs.state).toBe('untouched');
    expect(log).toContain('before the upload (30.0 MB) was complete.');
    expect(await host.health()).toMatchObject({ version: 'v1' });
    await expect.poll(() => host.stateFiles(), { timeout: 10_000 }).not.toContain('incoming');
  });

  it('that nobody hears of, in the upload, holds the lock for half a minute more', { timeout: 120_000 }, async () => {
    await using host = await target();
    await using between = await proxy(host.sshd.port, { bytesPerSecond: 4e6 });
    await host.startByHand(program('v1'));
    const source = { source: program('v2', 'healthy', 30e6), transfer: 'plain' };
    const step = host.startDeploy({ ...source, ...through(between.port) });
    await step.saw('upload          ');
    between.stall();
    step.process.kill('SIGKILL');
    await step.ended;
    const next = await host.deploy({ source: program('v2'), 'lock-timeout-seconds': 90 });
    expect(next.outputs.state, next.log).toBe('active');
    expect(host.stateFiles()).not.toContain('incoming');
  });

  it('permanently makes the state unknown, within a limit, and the next run reports what it finds', async () => {
    await using host = await target();
    await using between = await proxy(host.sshd.port);
    await host.startByHand(program('v1', 'ignores TERM'));
    const step = host.startDeploy({
      ...INPUTS,
      source: program('v2'),
      'keepalive-seconds': 1,
      'health-timeout-seconds': 1,
      'connect-timeout-seconds': 2,
      ...through(between.port),
    });
    await step.saw('stop            ');
    await between[Symbol.asyncDispose]();
    step.process.kill('SIGTERM');
    const { outputs, code } = await step.ended;
    expect(outputs.state).toBe('unknown');
    expect(code).toBe(1);
    await atRest(host);
    expect(await host.health()).toMatchObject({ version: 'v2' });
    const next = await host.deploy({ source: program('v2') });
    expect(next.log).toMatch(/last deploy: \S+ [0-9a-f]{12} /);
    expect(next.outputs.state).toBe('unchanged');
  });

  it('because the server killed the session is made again', async () => {
    await using host = await target();
    await host.startByHand(program('v1', 'ignores TERM'));
    const step = host.startDeploy({ ...INPUTS, source: program('v2') });
    await step.saw('stop            ');
    for (const pid of sessionsOf(host)) process.kill(pid, 'SIGKILL');
    expect((await step.ended).outputs.state).toBe('active');
  });
});

describe('a transaction that is killed on the target', () => {
  it.each(MOMENTS.slice(1))('%s is undone by the same run', async (_, log) => {
    await using host = await target();
    await host.startByHand(program('v1', 'ignores TERM'));
    const step = host.startDeploy({ ...INPUTS, source: program('v2', 'starts slowly') });
    await step.saw(log);
    process.kill(transactionOf(host), 'SIGKILL');
    const { outputs, log: told } = await step.ended;
    expect(told).toContain('was interrupted during `');
    expect(outputs.state).toBe('rolled-back');
    expect(await host.health()).toMatchObject({ version: 'v1' });
    expect(sha256(host.destination)).toBe(sha256(program('v1', 'ignores TERM')));
    expect(host.pids()).toHaveLength(1);
  });

  it('together with its runner is undone by the next run, which says so', async () => {
    await using host = await target();
    await host.startByHand(program('v1', 'ignores TERM'));
    const step = host.startDeploy({ ...INPUTS, source: program('bad', 'never listens') });
    await step.saw('start           ');
    step.process.kill('SIGKILL');
    process.kill(transactionOf(host), 'SIGKILL');
    await step.ended;
    expect(await host.health()).toBeUndefined();
    const next = await host.deploy({ source: program('v1', 'ignores TERM') });
    expect(next.log).toContain(
      'An earlier deploy (https://forge.example/team/service/actions/runs/7) was interrupted during `start`; recovering it first.',
    );
    expect(next.log).toContain('  finished: rolled-back');
    // What never was proved is no release that a roll back could choose.
    expect(readdirSync(`${host.folder}/.botserver.deploy/releases`)).toEqual([]);
    expect(next.outputs.state).toBe('unchanged');
    expect(await host.health()).toMatchObject({ version: 'v1' });
  });

  it('again and again is given up after three attempts, by its own run and the next; a run left alone finishes it', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const killer = killTransactions(host);
    const step = await host.deploy({ source: program('v2') });
    expect(step.outputs.state, step.log).toBe('broken');
    expect(step.log).toContain('and each of 3 attempts to recover it was killed on the target too.');
    expect(step.log).toContain('do:     find out what kills processes there');
    const next = await host.deploy({ source: program('v3') });
    expect(next.outputs.state, next.log).toBe('broken');
    expect(next.log).toContain('an earlier deploy (https://forge.example/team/service/actions/runs/7) was interrupted');
    expect(killer.stop()).toBe(1 + 3 + 3);
    const last = await host.deploy({ source: program('v3') });
    expect(last.outputs.state, last.log).toBe('active');
    expect(await host.health()).toMatchObject({ version: 'v3' });
  }, 60_000);

  it.each(['HUP', 'INT', 'TERM', 'QUIT', 'USR1', 'PIPE'])('by %s does not end', async (signal) => {
    await using host = await target();
    await host.startByHand(program('v1', 'ignores TERM'));
    const step = host.startDeploy({ ...INPUTS, source: program('v2') });
    await step.saw('stop            ');
    process.kill(transactionOf(host), `SIG${signal}`);
    expect((await step.ended).outputs.state).toBe('active');
    expect(textOf(`/proc/${host.pids()[0]}/status`)).toMatch(/^SigIgn:\s0+$/m);
  });
});

describe('two deploys at once', () => {
  it('never interleave: the second waits for the first', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const first = host.startDeploy({ ...INPUTS, source: program('v2') });
    await first.saw('stop            ');
    const second = await host.deploy({ ...INPUTS, source: program('v3') }, { GITHUB_RUN_NUMBER: '8' });
    expect((await first.ended).outputs.state).toBe('active');
    expect(second.log).toContain('Another deploy ran in the meantime; inspecting again.');
    expect(second.outputs).toMatchObject({ state: 'active', 'previous-sha256': sha256(program('v2')) });
    expect(await host.health()).toMatchObject({ version: 'v3' });
  });

  it('end red for the second when it may not wait so long', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const first = host.startDeploy({ ...INPUTS, 'stable-seconds': 4, source: program('v2') });
    await first.saw('stop            ');
    const second = await host.deploy({ source: program('v3'), 'lock-timeout-seconds': 1 });
    expect(second.outputs.state).toBe('untouched');
    expect(second.log).toContain(
      '  waiting for another deploy of this file: https://forge.example/team/service/actions/runs/7',
    );
    expect(second.log).toMatch(
      /why: {4}another deploy of this file holds the lock: https:\/\/forge\.example\/team\/service\/actions\/runs\/7 \(started/,
    );
    expect((await first.ended).outputs.state).toBe('active');
  });
});

function through(port: number) {
  return { host: `root@127.0.0.1:${port}`, 'host-key-checking': 'insecure' };
}

/** Waits until no transaction runs and the service answers. */
async function atRest(host: TestTarget): Promise<void> {
  for (let tried = 0; tried < 300; tried += 1) {
    const busy =
      textOf(`${host.folder}/.botserver.deploy/lock`) !== '' && isLocked(`${host.folder}/.botserver.deploy/lock`);
    if (!busy && (await host.health())) return;
    await sleep(100);
  }
  throw new Error('the target came to no rest within 30 s');
}

function isLocked(file: string): boolean {
  try {
    execFileSync('flock', ['-n', file, 'true']);
    return false;
  } catch {
    return true;
  }
}

function transactionOf(host: TestTarget): number {
  return Number(textOf(`${host.folder}/.botserver.deploy/handed`).split(' ')[1]);
}

/** The per-connection processes of the test's sshd. */
function sessionsOf(host: TestTarget): number[] {
  return readdirSync('/proc')
    .filter(
      (name) =>
        /^\d+$/.test(name) &&
        textOf(`/proc/${name}/stat`).split(') ')[1]?.split(' ')[1] === String(host.sshd.process.pid),
    )
    .map(Number);
}

/** Kills every transaction as soon as it has begun a phase; `stop` gives how many. */
function killTransactions(host: TestTarget): { stop(): number } {
  const killed = new Set<string>();
  const timer = setInterval(() => {
    const state = `${host.folder}/.${host.name}.deploy`;
    const [id = '', pid] = textOf(`${state}/handed`).trim().split(/ +/);
    if (!pid || killed.has(id) || !textOf(`${state}/progress`).includes('phase=')) return;
    killed.add(id);
    process.kill(Number(pid), 'SIGKILL');
  }, 5);
  return {
    stop: () => {
      clearInterval(timer);
      return killed.size;
    },
  };
}

import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { step } from '../../support/action.ts';
import { dryRun } from '../../support/login.ts';
import { program } from '../../support/programs.ts';
import { proxy } from '../../support/proxy.ts';
import { otherServer } from '../../support/ssh-server.ts';
import { sshd } from '../../support/sshd.ts';
import { type TestTarget, target } from '../../support/target.ts';

/** A deploy over the runner's ssh, whose temporary files have a folder of their own. */
function opensshDeploy(
  host: TestTarget,
  inputs: Record<string, string | number> = {},
  env: Record<string, string> = {},
) {
  const temporary = `${host.sshd.folder}/tmp`;
  mkdirSync(temporary, { recursive: true });
  return { temporary, step: host.startDeploy({ transport: 'openssh', ...inputs }, { TMPDIR: temporary, ...env }) };
}

/** Command lines of this machine's processes that name `text`. */
function processesWith(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' '))
    .filter((line) => line.includes(text));
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** The texts of the files below a folder; sockets have none. */
function textsBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true }).map((name) => textOf(`${folder}/${name}`));
}

describe('a deploy over OpenSSH', () => {
  it('replaces what runs, by a delta too, and leaves nothing on the runner', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    for (const [version, transfer] of [
      ['v2', 'plain'],
      ['v3', 'delta'],
    ] as const) {
      const started = opensshDeploy(host, { source: program(version, 'healthy', 3e6), transfer });
      const { temporary } = started;
      const { log, outputs } = await started.step.ended;
      expect(outputs.state, log).toBe('active');
      expect(await host.health()).toMatchObject({ version });
      expect(readdirSync(temporary)).toEqual([]);
      expect(processesWith(temporary)).toEqual([]);
    }
    // A login for each deploy, whatever number of sessions it needs.
    expect(host.sshd.logins()).toBe(2);
    const { host: name, 'ssh-key': key, 'known-hosts': known } = host.usual;
    const verified = await step('verify-deploy', {
      inputs: { transport: 'openssh', host: name, 'ssh-key': key, 'known-hosts': known, path: host.destination },
    });
    expect(verified.outputs.verified, verified.log).toBe('true');
  });

  it('has its secrets in no argument list, no file and no log', async () => {
    await using host = await target();
    await host.startByHand(program('v1', 'ignores TERM'));
    const secret = 'nobody-may-read-this';
    const { temporary, step } = opensshDeploy(host, {
      source: program('v2', 'starts slowly'),
      environment: `TOKEN=${secret}`,
      'stop-timeout-seconds': 1,
    });
    const parts = [secret, host.sshd.key.split('\n')[2] as string];
    await step.saw('stop            ');
    const seen = [...processesWith(''), ...textsBelow(temporary)].join('\n');
    expect(seen).toContain(`${temporary}/ssh-`);
    for (const part of parts) expect(seen).not.toContain(part);
    for (const name of readdirSync(temporary)) expect(statSync(`${temporary}/${name}`).mode & 0o077).toBe(0);
    const { log, outputs } = await step.ended;
    expect(outputs.state).toBe('active');
    for (const part of parts) expect(log.replace(/^::add-mask::.*$/gm, '')).not.toContain(part);
  });

  it.each([
    ['in the upload', 'transfer        ', 12e6],
    ['in the transaction', 'stop            ', 1e6],
  ])('whose runner is killed %s leaves no process, socket or file there', async (_, moment, bytes) => {
    await using host = await target();
    await using slow = await proxy(host.sshd.port, { bytesPerSecond: 4e6 });
    await host.startByHand(program('v1', 'ignores TERM'));
    const { temporary, step } = opensshDeploy(host, {
      source: program('v2', 'healthy', bytes),
      transfer: 'plain',
      'stop-timeout-seconds': 1,
      ...through(host, slow.port),
    });
    await step.saw(moment);
    expect(processesWith(temporary).length).toBeGreaterThan(0);
    step.process.kill('SIGKILL');
    await step.ended;
    await expect.poll(() => processesWith(temporary), { timeout: 10_000 }).toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
    const next = await host.deploy({ source: program('v3') });
    expect(next.outputs.state, next.log).toBe('active');
  });

  it('whose connection is cut in the upload leaves the running version untouched', async () => {
    await using host = await target();
    await using between = await proxy(host.sshd.port);
    await host.startByHand(program('v1'));
    between.resetAfter(5e6);
    const source = { source: program('v2', 'healthy', 30e6), transfer: 'plain' };
    const { outputs, log } = await opensshDeploy(host, { ...source, ...through(host, between.port) }).step.ended;
    expect(outputs.state, log).toBe('untouched');
    expect(await host.health()).toMatchObject({ version: 'v1' });
  });

  it('whose connection is cut in the transaction connects again and learns the end', async () => {
    await using host = await target();
    await using between = await proxy(host.sshd.port);
    await host.startByHand(program('v1', 'ignores TERM'));
    const { temporary, step } = opensshDeploy(host, {
      source: program('v2', 'starts slowly'),
      'stop-timeout-seconds': 1,
      ...through(host, between.port),
    });
    await step.saw('stop            ');
    between.reset();
    const { outputs, log } = await step.ended;
    expect(outputs.state, log).toBe('active');
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('goes on when a signal reaches all processes of the step, until the step itself is done', async () => {
    await using host = await target();
    await host.startByHand(program('v1', 'ignores TERM'));
    const { temporary, step } = opensshDeploy(host, { source: program('v2'), 'stop-timeout-seconds': 1 });
    await step.saw('stop            ');
    process.kill(-(step.process.pid as number), 'SIGINT');
    const { outputs, log } = await step.ended;
    expect(outputs.state, log).toBe('active');
    expect(readdirSync(temporary)).toEqual([]);
  });
});

function through({ sshd: { knownHosts, port } }: TestTarget, other: number) {
  return { host: `root@127.0.0.1:${other}`, 'known-hosts': knownHosts.replaceAll(`:${port} `, `:${other} `) };
}

describe('a server over OpenSSH', () => {
  it('that allows one session at a time is enough for a deploy', async () => {
    await using host = await target({ config: 'MaxSessions 1' });
    await host.startByHand(program('v1'));
    const { log, outputs } = await opensshDeploy(host, { source: program('v2') }).step.ended;
    expect(outputs.state, log).toBe('active');
  });

  it('that opens one session only is named by that', async () => {
    await using server = await otherServer({ software: 'tinyssh', accepts: () => true, sessions: 1 });
    await using keys = await sshd();
    const inputs = { destination: `${keys.folder}/program`, restart: 'none', 'dry-run': 'false', transport: 'openssh' };
    const { log } = await dryRun({ ...server, key: keys.key }, inputs);
    expect(log).toContain('the server refused a further session on this connection');
  });

  it('that answers with a sentence instead of a shell has it shown', async () => {
    await using server = await sshd();
    const [line = ''] = readFileSync(`${server.keyFile}.pub`, 'utf8').split('\n');
    writeFileSync(`${server.folder}/authorized_keys`, `command="echo Please login as debian." ${line}\n`);
    const { log } = await dryRun(server, { transport: 'openssh' });
    expect(log).toContain('| Please login as debian.');
  });

  it('whose login is slow after the key was accepted is waited for', async () => {
    await using server = await otherServer({ software: 'OpenSSH_9.9', accepts: () => true, busyMs: 6000 });
    await using keys = await sshd();
    const { log } = await dryRun({ ...server, key: keys.key }, { transport: 'openssh', 'keepalive-seconds': 1 });
    expect(log).toContain('dry-run is set');
  });

  it('that stalls is given up after three missed keepalives', async () => {
    await using host = await target();
    await using between = await proxy(host.sshd.port);
    await host.startByHand(program('v1', 'ignores TERM'));
    const { step } = opensshDeploy(host, {
      source: program('v2'),
      'keepalive-seconds': 1,
      'stop-timeout-seconds': 1,
      ...through(host, between.port),
    });
    await step.saw('stop            ');
    between.stall();
    await step.saw('Connection lost');
    between.heal();
    const { outputs, log } = await step.ended;
    expect(outputs.state, log).toBe('active');
  });
});

it('several targets have a connection each, and one that is gone stops none of the others', async () => {
  await using one = await sshd();
  await using two = await sshd();
  writeFileSync(`${two.folder}/authorized_keys`, readFileSync(`${one.keyFile}.pub`));
  const { log } = await dryRun(one, {
    transport: 'openssh',
    host: `root@127.0.0.1:${one.port}\nroot@127.0.0.1:${two.port}`,
    'known-hosts': `${one.knownHosts}\n${two.knownHosts}`,
  });
  expect([one.logins(), two.logins()], log).toEqual([1, 1]);
});

import { spawn } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Account, account } from '../../support/accounts.ts';
import { program, sha256 } from '../../support/programs.ts';
import { freePort } from '../../support/sshd.ts';
import { shell, type TestTarget, target } from '../../support/target.ts';

/** A process of an account, which ends with the scope. */
function processOf({ uid }: Pick<Account, 'uid'>, command: string, ...words: string[]) {
  const child = spawn(command, words, { stdio: 'ignore', uid, gid: uid, cwd: '/' });
  return {
    pid: child.pid ?? 0,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  };
}

async function inUse(host: TestTarget): Promise<void> {
  await host.startByHand(program('v1'));
}

describe('a process of another account that executes the file', () => {
  it('is never imitated: neither its account nor its environment, nor does it get the environment of the step', async () => {
    await using host = await target();
    using mallory = account();
    copyFileSync(program('v1'), host.destination);
    chownSync(host.destination, host.service.uid, host.service.uid);
    chmodSync(host.destination, 0o755);
    // It runs first, so that its pid sorts first.
    using stranger = processOf(mallory, host.destination, '--port', String(await freePort()));
    await sleep(100);
    const started = spawn(
      'su',
      [
        '-s',
        '/bin/sh',
        host.service.name,
        '-c',
        `cd ${host.folder} && exec setsid ./${host.name} --port ${host.port} </dev/null >>${host.logFile} 2>&1 &`,
      ],
      { stdio: 'ignore' },
    );
    await new Promise((over) => started.once('exit', over));
    for (let tried = 0; tried < 100 && !(await host.health()); tried += 1) await sleep(20);
    const step = await host.deploy({
      source: program('bad', 'exits at once'),
      environment: 'APP_TOKEN=for-the-service-alone',
    });
    expect(step.outputs.state, step.log).toBe('rolled-back');
    expect(step.log).toContain(`also run by other accounts: pid ${stranger.pid} (${mallory.name})`);
    expect(await host.health()).toMatchObject({ version: 'v1', uid: host.service.uid, env: [] });
    expect(shell(`ps -o pid= -u ${mallory.uid} || true`).trim()).toBe('');
  });

  it('proves nothing: a version that fails is rolled back though somebody else runs it', async () => {
    await using host = await target();
    using mallory = account();
    await inUse(host);
    const loop = `while :; do ${host.destination} --port ${await freePort()}; sleep 0.02; done`;
    const attacker = spawn('/bin/sh', ['-c', loop], {
      stdio: 'ignore',
      uid: mallory.uid,
      gid: mallory.uid,
      detached: true,
    });
    try {
      const bad = await host.deploy({
        source: program('bad', 'never listens'),
        'health-url': undefined,
        'health-port': host.port,
        'health-timeout-seconds': 2,
      });
      expect(bad.outputs.state, bad.log).toBe('rolled-back');
      expect(await host.health()).toMatchObject({ version: 'v1', uid: host.service.uid });
      const good = await host.deploy({ source: program('v2') });
      expect(good.outputs.state, good.log).toBe('active');
      expect(await host.health()).toMatchObject({ version: 'v2', uid: host.service.uid });
    } finally {
      process.kill(-(attacker.pid ?? 0), 'SIGKILL');
    }
  });
});

it('a folder whose name is a line of a listing makes root signal nobody', async () => {
  await using host = await target();
  using mallory = account();
  using bystander = processOf({ uid: 0 }, '/bin/sleep', '1000');
  await inUse(host);
  const forged = `${mkdtempSync('/tmp/fdt-forged-')}/x\nlrwxrwxrwx 1 0 0 0 Jan  1 00:00 /proc/${bystander.pid}/exe -> ${host.folder}`;
  mkdirSync(forged, { recursive: true });
  copyFileSync('/bin/sleep', `${forged}/${host.name} (deleted)`);
  chmodSync(`${forged}/${host.name} (deleted)`, 0o755);
  shell(`chmod -R a+rX /tmp/fdt-forged-*`);
  using liar = processOf(mallory, `${forged}/${host.name} (deleted)`, '1000');
  await sleep(100);
  const step = await host.deploy({ source: program('v2') });
  expect(step.outputs.state, step.log).toBe('active');
  expect([bystander.isAlive(), liar.isAlive()]).toEqual([true, true]);
  rmSync(forged.split('\n')[0]?.replace(/\/x$/, '') ?? '', { recursive: true, force: true });
});

it('a name with line ends and parentheses of its own does not stop the transaction', async () => {
  await using host = await target();
  copyFileSync(program('v1'), host.destination);
  chownSync(host.destination, host.service.uid, host.service.uid);
  chmodSync(host.destination, 0o755);
  using old = processOf(host.service, host.destination, '--name', 'a)\n1 (b) S 1', '--port', String(host.port));
  for (let tried = 0; tried < 100 && !(await host.health()); tried += 1) await sleep(20);
  const step = await host.deploy({ source: program('v2') });
  expect(step.outputs.state, step.log).toBe('active');
  expect(old.isAlive()).toBe(false);
  expect(host.pids()).toEqual([(await host.health())?.pid]);
});

describe('before anything is stopped, a deploy is refused', () => {
  it('where the program runs as another account than planned, until run-as says which is meant', async () => {
    await using host = await target();
    using other = account();
    await inUse(host);
    shell(`chown ${other.name} ${host.destination} ${host.folder}`);
    const refused = await host.deploy({ source: program('v2'), owner: other.name });
    expect(refused.outputs.state).toBe('untouched');
    expect(refused.log).toContain(
      `runs the file as ${host.service.name}, but this step would start it as ${other.name}.`,
    );
    expect(await host.health()).toMatchObject({ version: 'v1' });
    const meant = await host.deploy({ source: program('v2'), owner: other.name, 'run-as': host.service.name });
    expect(meant.outputs.state, meant.log).toBe('active');
    expect(await host.health()).toMatchObject({ version: 'v2', uid: host.service.uid });
  });

  it('where several instances run the file', async () => {
    await using host = await target();
    await inUse(host);
    using second = processOf(host.service, host.destination, '--port', String(await freePort()));
    const refused = await host.deploy({ source: program('v2') });
    expect(refused.outputs.state).toBe('untouched');
    expect(refused.log).toMatch(/2 separate instances run the file \(pid \d+, \d+\), and this step starts only one\./);
    expect(second.isAlive()).toBe(true);
    expect(await host.health()).toMatchObject({ version: 'v1' });
  });
});

describe('a file that was changed by hand', () => {
  it('is not deployed beside the old version that was moved away, until force says so', async () => {
    await using host = await target();
    await inUse(host);
    shell(`cd ${host.folder} && mv ${host.name} ${host.name}.old && cp -p ${host.name}.old ${host.name}`);
    const refused = await host.deploy({ source: program('v2') });
    expect(refused.outputs.state).toBe('untouched');
    expect(refused.log).toContain(
      `executes ${host.destination}.old: the previous version may have been moved away by hand.`,
    );
    expect(await host.health()).toMatchObject({ version: 'v1' });
  });

  it('is stopped under its other name where the last deploy put it there', async () => {
    await using host = await target();
    await inUse(host);
    expect((await host.deploy({ source: program('v2') })).outputs.state).toBe('active');
    shell(`cd ${host.folder} && mv ${host.name} ${host.name}.old && cp -p ${host.name}.old ${host.name}`);
    const step = await host.deploy({ source: program('v3') });
    expect(step.outputs.state, step.log).toBe('active');
    expect(await host.health()).toMatchObject({ version: 'v3' });
  });

  it('is refused with a second name, a hard link of something else maybe', async () => {
    await using host = await target();
    await inUse(host);
    shell(`ln ${host.destination} ${host.folder}/another`);
    const refused = await host.deploy({ source: program('v2') });
    expect(refused.log).toContain('has 1 other name (hard links)');
    expect(await host.health()).toMatchObject({ version: 'v1' });
    expect((await host.deploy({ source: program('v2'), force: true })).outputs.state).toBe('active');
  });
});

it('what restarts the program on its own ends in no green with two copies or with the old version', async () => {
  await using host = await target();
  copyFileSync(program('v1'), host.destination);
  chownSync(host.destination, host.service.uid, host.service.uid);
  chmodSync(host.destination, 0o755);
  const loop = `cd ${host.folder}; while :; do ./${host.name} --port ${host.port}; sleep 0.02; done`;
  const keeper = spawn('/bin/sh', ['-c', loop], {
    stdio: 'ignore',
    uid: host.service.uid,
    gid: host.service.uid,
    detached: true,
  });
  try {
    for (let tried = 0; tried < 100 && !(await host.health()); tried += 1) await sleep(20);
    for (const version of ['v2', 'v3', 'v4']) {
      const step = await host.deploy({ source: program(version), 'stable-seconds': 1 });
      const running = host.pids().map((pid) => sha256OfImage(pid));
      if (step.outputs.state === 'active') expect(running, step.log).toEqual([sha256(program(version))]);
      else expect(step.log).toMatch(/why: .*pid \d+/);
    }
  } finally {
    process.kill(-(keeper.pid ?? 0), 'SIGKILL');
  }
});

function sha256OfImage(pid: number): string {
  return shell(`sha256sum </proc/${pid}/exe`).slice(0, 64);
}

it('the account that the last deploy started it as is the one of the way back', async () => {
  await using host = await target();
  using other = account();
  copyFileSync(program('v1'), host.destination);
  chownSync(host.destination, host.service.uid, host.service.uid);
  const first = await host.deploy({ source: program('v1'), 'run-as': other.name, 'log-file': undefined, force: true });
  expect(first.outputs.state, first.log).toBe('active');
  expect(readFileSync(`${host.folder}/.${host.name}.deploy/live`, 'utf8').split('\n')[6]).toBe(other.name);
  const bad = await host.deploy({ source: program('bad', 'exits at once'), 'run-as': host.service.name });
  expect(bad.outputs.state, bad.log).toBe('rolled-back');
  expect(await host.health()).toMatchObject({ version: 'v1', uid: other.uid });
});

it('rolling back starts nothing as root that another account could replace, though the last deploy did', async () => {
  await using host = await target();
  const { name, uid } = host.service;
  const parent = host.folder.replace(/\/bin$/, '');
  shell(`chown -R root:root ${parent}`);
  const first = await host.deploy({ source: program('v1'), owner: 'root:root', mode: '0755' });
  expect(first.outputs.state, first.log).toBe('active');
  shell(
    `chown -R ${name} ${host.folder}/${host.name} ${host.folder} ${parent}/logs; chown -R root ${host.folder}/.*.deploy`,
  );
  const bad = await host.deploy({ source: program('bad', 'exits at once'), owner: name, 'run-as': name });
  expect(bad.outputs.state, bad.log).toBe('rolled-back');
  expect(await host.health()).toMatchObject({ version: 'v1', uid });
});

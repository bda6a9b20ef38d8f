import { execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { account } from '../../support/accounts.ts';
import { step } from '../../support/action.ts';
import { program } from '../../support/programs.ts';
import { shell, type TestTarget, target, textOf } from '../../support/target.ts';

/** As people start it from root's shell: the log belongs to root, its folder to the account. */
async function startFromRootsShell(host: TestTarget): Promise<void> {
  execFileSync('install', ['-o', host.service.name, '-m', '755', program('v1'), host.destination]);
  const line = `cd ${host.folder}; nohup sudo -u ${host.service.name} ./${host.name} --port ${host.port} >> ${host.logFile} 2>&1 &`;
  spawn('/bin/bash', ['-c', line], { stdio: 'ignore', detached: true });
  await vi.waitFor(async () => expect(await host.health()).toBeDefined(), 10_000);
}

async function environmentOf(host: TestTarget): Promise<Record<string, string>> {
  const { pid } = (await host.health()) ?? {};
  const pairs = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean);
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
}

const asides = (host: TestTarget) => readdirSync(`${host.folder}/../logs`).filter((name) => name.includes('.until-'));

describe('a program that root started by `sudo -u` into a log of its own', () => {
  it.each([
    ['log-file names that log', true],
    ['log-file is not given', false],
  ])(
    'is replaced, and comes back after a bad version, where %s',
    async (_, given) => {
      await using host = await target();
      const inputs = given ? {} : { 'log-file': undefined };
      await startFromRootsShell(host);
      const before = textOf(host.logFile);
      expect(before).toContain('v1 listens');
      const bad = await host.deploy({ ...inputs, source: program('bad', 'exits at once') });
      expect(bad.outputs.state, bad.log).toBe('rolled-back');
      expect(await host.health()).toMatchObject({ version: 'v1', uid: host.service.uid, cwd: host.folder });
      expect(bad.log).toContain('the log belonged to an account other than');
      const good = await host.deploy({ ...inputs, source: program('v2') });
      expect(good.outputs.state, good.log).toBe('active');
      expect(await host.health()).toMatchObject({ version: 'v2', uid: host.service.uid });
      // No line is lost, and root opened nothing there.
      const [aside = ''] = asides(host);
      expect(textOf(`${host.folder}/../logs/${aside}`)).toContain(before);
      expect(shell(`stat -c %U ${host.logFile}`).trim()).toBe(host.service.name);
      expect(textOf(host.logFile)).toContain('v1 listens');
      if (given) {
        expect(bad.log).toContain(`move ${host.logFile} to ${host.logFile}.until-TIME`);
        expect(textOf(host.logFile)).toContain('v2 listens');
      }
    },
    60_000,
  );
});

describe('the way back does not depend on', () => {
  it.each([
    [
      'the folder that the program ran in',
      (host: TestTarget) => `rm -rf ${host.folder}/../cwd`,
      'can no longer enter the working directory of the previous process',
    ],
    ['its log', (host: TestTarget) => `rm -rf ${host.folder}/../old`, ''],
    [
      'the folder of its log',
      (host: TestTarget) =>
        `chown root ${host.folder}/../old ${host.folder}/../old/log; chmod 755 ${host.folder}/../old; chmod 600 ${host.folder}/../old/log`,
      'can no longer write to the previous log',
    ],
  ])('%s', async (_, lose, note) => {
    await using host = await target();
    const root = host.folder.replace(/\/bin$/, '');
    for (const name of ['cwd', 'old']) {
      mkdirSync(`${root}/${name}`);
      chownSync(`${root}/${name}`, host.service.uid, host.service.uid);
    }
    execFileSync('install', ['-o', host.service.name, '-m', '755', program('v1'), host.destination]);
    const line = `cd ${root}/cwd && exec setsid ${host.destination} --port ${host.port} </dev/null >>${root}/old/log 2>&1 &`;
    spawn('su', ['-s', '/bin/sh', host.service.name, '-c', line], { stdio: 'ignore', detached: true });
    await vi.waitFor(async () => expect(await host.health()).toBeDefined(), 10_000);
    shell(lose(host));
    const bad = await host.deploy({ source: program('bad', 'exits at once') });
    expect(bad.outputs.state, bad.log).toBe('rolled-back');
    expect(bad.log).toContain(note);
    expect(await host.health()).toMatchObject({ version: 'v1', uid: host.service.uid });
  });

  it('the terminal that the program was started in', async () => {
    await using host = await target();
    execFileSync('install', ['-o', host.service.name, '-m', '755', program('v1'), host.destination]);
    const command = `cd ${host.folder}; sudo -u ${host.service.name} setsid ./${host.name} --port ${host.port} & sleep 1`;
    execFileSync('script', ['-qec', command, '/dev/null'], { stdio: ['ignore', 'ignore', 'ignore'] });
    await vi.waitFor(async () => expect(await host.health()).toBeDefined(), 10_000);
    const bad = await host.deploy({ source: program('bad', 'exits at once'), 'log-file': undefined });
    expect(bad.outputs.state, bad.log).toBe('rolled-back');
    expect(await host.health()).toMatchObject({ version: 'v1' });
  });
});

describe('a program that is started', () => {
  it.each(['root', 'sudo'])('gets the environment of its own account, and nothing of a login by %s', async (by) => {
    await using host = await target({ config: 'SetEnv API_TOKEN=of-the-login XDG_RUNTIME_DIR=/run/user/0 LC_ALL=xx' });
    using deployer = account({ shell: '/bin/bash', sudo: true });
    const login = by === 'sudo' ? { host: `${deployer.name}@127.0.0.1:${host.sshd.port}` } : {};
    const step = await host.deploy({
      ...login,
      source: program('v1'),
      owner: host.service.name,
      environment: 'APP_X=1',
    });
    expect(step.outputs.state, step.log).toBe('active');
    const found = await environmentOf(host);
    expect(found).toEqual({
      PATH: expect.stringContaining('/usr/local/bin:'),
      HOME: host.service.home,
      USER: host.service.name,
      LOGNAME: host.service.name,
      SHELL: '/bin/sh',
      LANG: expect.stringMatching(/^[\w.-]+$/),
      APP_X: '1',
    });
  });

  it('is restarted and comes back with the limits that it had', async () => {
    await using host = await target();
    execFileSync('install', ['-o', host.service.name, '-m', '755', program('v1'), host.destination]);
    const line = `cd ${host.folder} && exec setsid ./${host.name} --port ${host.port} </dev/null >>${host.logFile} 2>&1 &`;
    const ids = [`--reuid=${host.service.uid}`, `--regid=${host.service.uid}`, '--clear-groups'];
    const words = ['--nofile=3000:4000', '--nproc=5000:6000', 'setpriv', ...ids, '/bin/sh', '-c', line];
    spawn('prlimit', words, { stdio: 'ignore', detached: true });
    await vi.waitFor(async () => expect(await host.health()).toBeDefined(), 10_000);
    const limits = async () =>
      [
        ...textOf(`/proc/${(await host.health())?.pid}/limits`).matchAll(
          /^Max (?:open files|processes) +(\d+) +(\d+)/gm,
        ),
      ].flatMap(([, soft, hard]) => [soft, hard]);
    const before = await limits();
    expect(before.toSorted()).toEqual(['3000', '4000', '5000', '6000']);
    for (const source of [program('v2'), program('bad', 'exits at once')]) {
      await host.deploy({ source });
      expect(await limits()).toEqual(before);
    }
  });

  it('by its absolute path is started by that again, and by ./NAME where it was', async () => {
    await using host = await target();
    const name = async () => readFileSync(`/proc/${(await host.health())?.pid}/cmdline`, 'utf8').split('\0')[0];
    await host.deploy({ source: program('v1'), owner: host.service.name });
    expect(await name()).toBe(host.destination);
    await host.deploy({ source: program('v2') });
    expect(await name()).toBe(host.destination);
    for (const pid of host.pids()) process.kill(pid, 'SIGKILL');
    await vi.waitFor(() => expect(host.pids()).toEqual([]), 10_000);
    rmSync(host.destination);
    await host.startByHand(program('v1'));
    for (const source of [program('v2'), program('bad', 'exits at once')]) {
      await host.deploy({ source });
      expect(await name()).toBe(`./${host.name}`);
    }
  });

  it('but can not be: the error quotes the reason of what failed', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const step = await host.deploy({
      source: program('v2'),
      owner: 'root:root',
      mode: '0700',
      'run-as': host.service.name,
    });
    expect(step.outputs.state, step.log).toBe('rolled-back');
    expect(step.log).toContain(`output: | ${`./${host.name} can not be executed by this account`}`);
  });
});

describe('a pipe, a device or a terminal', () => {
  const LOGS: [string, (log: string) => string, string | RegExp][] = [
    ['a pipe', (log) => `rm -f ${log}; mkfifo -m 666 ${log}`, 'the log file is not a regular file (pipe)'],
    ['a link to /dev/full', (log) => `ln -sf /dev/full ${log}`, 'the log file is not a regular file (device)'],
    ['a link to /dev/zero', (log) => `ln -sf /dev/zero ${log}`, 'the log file is not a regular file (device)'],
    ['a link to /dev/stdout', (log) => `ln -sf /dev/stdout ${log}`, 'the log file is not a regular file (pipe)'],
    [
      'a link to /proc/1/fd/1',
      (log) => `ln -sf /proc/1/fd/1 ${log}`,
      /the log file is not a regular file|can't write to/,
    ],
    ['a link to a terminal', (log) => `ln -sf /dev/tty ${log}`, /the log file is not a regular file|can't write to/],
    [
      'a socket',
      (log) => `rm -f ${log}; perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => "${log}", Listen => 1)'`,
      'the log file is not a regular file',
    ],
  ];

  it.each(LOGS)('in the place of the log is refused before the stop: %s', async (_, make, why) => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const before = host.pids();
    shell(make(host.logFile));
    const began = Date.now();
    const deploy = await host.deploy({ source: program('v2') });
    expect(deploy.log).toMatch(why);
    expect(deploy.outputs.state).toBe('untouched');
    expect(host.pids()).toEqual(before);
    const proof = await step('verify-deploy', {
      inputs: {
        host: host.usual.host,
        'ssh-key': host.sshd.key,
        'known-hosts': host.sshd.knownHosts,
        path: host.destination,
        source: program('v1'),
        'log-file': host.logFile,
        'log-absent-strings': 'panic',
      },
    });
    expect(proof.outputs.failed).toBe('log');
    expect(Date.now() - began).toBeLessThan(15_000);
  });

  it('in the place of the destination or its folder ends every step with a clear reason, at once', async () => {
    await using host = await target();
    const began = Date.now();
    shell(`mkfifo -m 777 ${host.destination} ${host.folder}/../pipe`);
    expect((await host.deploy({ source: program('v2') })).log).toContain(`${host.destination} is a fifo.`);
    expect(
      (await host.deploy({ source: program('v2'), destination: `${host.folder}/../pipe/x`.replace('/bin/..', '') }))
        .log,
    ).toContain('is not a folder');
    rmSync(host.destination);
    await host.startByHand(program('v1'));
    const odd = await host.deploy({
      source: program('v2'),
      'working-directory': `${host.folder}/../pipe`.replace('/bin/..', ''),
    });
    expect(odd.outputs.state).toBe('untouched');
    expect(Date.now() - began).toBeLessThan(20_000);
  });

  it('that takes the place of the log while the program is stopped does not keep the service down', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const hook = `rm -f ${host.logFile}; mkfifo -m 666 ${host.logFile}`;
    const swapper = spawn(
      '/bin/sh',
      ['-c', `while kill -0 ${(await host.health())?.pid} 2>/dev/null; do :; done; ${hook}`],
      { stdio: 'ignore' },
    );
    const deploy = await host.deploy({ source: program('v2') });
    swapper.kill();
    expect(deploy.outputs.state, deploy.log).toBe('active');
    expect(await host.health()).toMatchObject({ version: 'v2' });
  });
});

describe('what runs as the service account', () => {
  it('holds nothing of root: no lock, no payload, no answer, though the account traces it', async ({ skip }) => {
    if (Number(textOf('/proc/sys/kernel/yama/ptrace_scope') || 0) > 0)
      skip('this kernel lets nobody trace a process that is not a child');
    await using host = await target();
    await host.startByHand(program('v1'));
    // Every process of the account, as the account itself sees it: what it could use by way of ptrace.
    const watch = `while :; do for p in /proc/[0-9]*; do [ -O $p ] || continue; for f in $p/fd/*; do
      l=$(readlink $f 2>/dev/null); case $l in */.botserver.deploy/*) echo "$(cat $p/comm) $l";; esac; done; done; done`;
    const seen = new Set<string>();
    const watcher = spawn(
      'setpriv',
      [`--reuid=${host.service.uid}`, `--regid=${host.service.uid}`, '--clear-groups', '/bin/sh', '-c', watch],
      { detached: true },
    );
    watcher.stdout.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n').filter(Boolean)) seen.add(line);
    });
    try {
      for (const version of ['v2', 'v3']) {
        expect((await host.deploy({ source: program(version) })).outputs.state).toBe('active');
      }
      expect((await host.deploy({ source: program('bad', 'exits at once') })).outputs.state).toBe('rolled-back');
    } finally {
      process.kill(-(watcher.pid ?? 0), 'SIGKILL');
    }
    // The pipe for what goes wrong before the program runs is meant for it.
    expect([...seen].filter((line) => !line.includes('start.errors'))).toEqual([]);
  }, 60_000);

  it('can not answer for root, nor keep it waiting', async ({ skip }) => {
    if (Number(textOf('/proc/sys/kernel/yama/ptrace_scope') || 0) > 0)
      skip('this kernel lets nobody trace a process that is not a child');
    await using host = await target();
    await host.startByHand(program('v1'));
    const tracer = `${host.folder}/../tracer`;
    execFileSync('gcc', [
      '-O1',
      '-w',
      '-o',
      tracer,
      new URL('../../support/programs/tracer.c', import.meta.url).pathname,
    ]);
    // It writes to standard output of every helper, and holds it open.
    const attacker = spawn(
      'setpriv',
      [`--reuid=${host.service.uid}`, `--regid=${host.service.uid}`, '--clear-groups', tracer],
      { stdio: 'ignore' },
    );
    try {
      const deploy = await host.deploy({ source: program('v2'), 'health-timeout-seconds': 3 });
      expect(deploy.log).not.toContain('evil');
      const after = await host.deploy({ source: program('v3'), 'health-timeout-seconds': 3 });
      expect(after.log).not.toContain('evil');
    } finally {
      attacker.kill('SIGKILL');
      shell(`pkill -KILL -x -U ${host.service.uid} tracer || true`);
    }
    expect((await host.deploy({ source: program('v4'), force: true })).outputs.state).toBe('active');
  }, 120_000);
});

describe('a command of the user', () => {
  it('that ignores TERM has an end', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const began = Date.now();
    const step = await host.deploy({
      source: program('v2'),
      'health-command': "trap '' TERM; sleep 1000 & wait; sleep 1000",
      'health-timeout-seconds': 1,
    });
    expect(step.log).toContain('the health command exited with code');
    expect(Date.now() - began).toBeLessThan(40_000);
    expect(shell("pgrep -f '^sleep 1000' || true")).toBe('');
  }, 60_000);

  it('runs in / with the environment of its own account', async () => {
    await using host = await target({ config: 'SetEnv API_TOKEN=of-the-login' });
    const said = `${host.folder}/said`;
    const command = `{ pwd; env; } > ${said}; exec setpriv --reuid=${host.service.uid} --regid=${host.service.uid} --clear-groups ${host.destination} --port ${host.port}`;
    const step = await host.deploy({
      source: program('v1'),
      owner: host.service.name,
      restart: 'command',
      'start-command': command,
      args: undefined,
      'log-file': undefined,
    });
    expect(step.outputs.state, step.log).toBe('active');
    const text = textOf(said);
    expect(text.split('\n')[0]).toBe('/');
    expect(text).toContain('HOME=/root\n');
    expect(text).not.toMatch(/API_TOKEN|SSH_|SUDO_/);
  });

  it('may leave a program that prints for ever: it neither fills the disk nor dies of it', async () => {
    await using host = await target();
    const flood = `${host.folder}/flood`;
    const command = `{ while :; do echo of the program ; done & echo $! >${flood}; } ; exec setpriv --reuid=${host.service.uid} --regid=${host.service.uid} --clear-groups ${host.destination} --port ${host.port}`;
    const free = () => Number(shell(`df --output=avail -k ${host.folder} | tail -n 1`));
    writeFileSync(flood, '');
    const step = await host.deploy({
      source: program('v1'),
      owner: host.service.name,
      restart: 'command',
      'start-command': command,
      args: undefined,
      'log-file': undefined,
    });
    expect(step.outputs.state, step.log).toBe('active');
    await sleep(1500);
    // Deleted files that something still writes to, in the folder of this deploy.
    const deleted = shell(
      `for f in /proc/[0-9]*/fd/*; do case $(readlink $f) in ${host.folder}/*'(deleted)') stat -L -c %s $f;; esac; done 2>/dev/null || true`,
    );
    for (const size of deleted.split('\n').filter(Boolean)) expect(Number(size)).toBeLessThan(2e6);
    expect(free()).toBeGreaterThan(0);
    expect(await host.health()).toMatchObject({ version: 'v1' });
    shell(`kill -KILL $(cat ${flood})`);
  });
});

describe('a login', () => {
  it('with a space and a backslash in its name is never run as code by root', async () => {
    await using host = await target();
    using deployer = account({ sudo: true });
    await host.startByHand(program('v1'));
    const name = `CORP\\new ${deployer.name}`;
    // A directory's account: another name of the same number, found first.
    const passwd = readFileSync('/etc/passwd', 'utf8');
    const entry = `${name}:x:${deployer.uid}:${deployer.uid}::${deployer.home}:/bin/sh\n`;
    const rights = `/etc/sudoers.d/${deployer.name}-corp`;
    shell(`flock -w 30 /tmp/fdt-accounts.lock sed -i '/^${deployer.name}:/d' /etc/passwd`);
    appendFileSync('/etc/passwd', entry);
    appendFileSync('/etc/shadow', `${name}:*:19000:0:99999:7:::\n`);
    const config = `${host.sshd.folder}/config`;
    writeFileSync(config, `Host corp\n  HostName 127.0.0.1\n  Port ${host.sshd.port}\n  User "${name}"\n`);
    writeFileSync(rights, `#${deployer.uid} ALL=(ALL) NOPASSWD: ALL\n`, { mode: 0o440 });
    try {
      const step = await host.deploy({
        source: program('v2'),
        host: 'corp',
        'ssh-config': config,
        'host-key-checking': 'insecure',
      });
      expect(step.outputs.state, step.log).toBe('active');
      expect(step.log).toContain(`Using sudo, because ${name} can't write to`);
    } finally {
      rmSync(rights, { force: true });
      const line = passwd.split('\n').find((one) => one.startsWith(`${deployer.name}:`));
      shell(`flock -w 30 /tmp/fdt-accounts.lock sed -i '/^CORP.*${deployer.name}:/d' /etc/passwd /etc/shadow`);
      appendFileSync('/etc/passwd', `${line}\n`);
    }
  });

  it('that doas allows what sudo refuses works, and one that neither allows is given the line to add', async () => {
    await using host = await target();
    using allowed = account();
    using refused = account();
    await host.startByHand(program('v1'));
    const before = existsSync('/etc/doas.conf') ? readFileSync('/etc/doas.conf', 'utf8') : undefined;
    writeFileSync('/etc/doas.conf', `${before ?? ''}permit nopass ${allowed.name} as root cmd /bin/sh\n`, {
      mode: 0o400,
    });
    try {
      const good = await host.deploy({ source: program('v2'), host: `${allowed.name}@127.0.0.1:${host.sshd.port}` });
      expect(good.outputs.state, good.log).toBe('active');
      const bad = await host.deploy({ source: program('v3'), host: `${refused.name}@127.0.0.1:${host.sshd.port}` });
      expect(bad.outputs.state).toBe('untouched');
      expect(bad.log).toContain(`add to sudoers (visudo): ${refused.name} ALL=(root) NOPASSWD: /bin/sh`);
    } finally {
      if (before === undefined) rmSync('/etc/doas.conf');
      else writeFileSync('/etc/doas.conf', before);
    }
  });

  it('may use the very line of sudoers that a refusal gives', async () => {
    await using host = await target();
    using deployer = account();
    await host.startByHand(program('v1'));
    const as = { host: `${deployer.name}@127.0.0.1:${host.sshd.port}` };
    const refused = await host.deploy({ ...as, source: program('v2') });
    const [, line = ''] = /add to sudoers \(visudo\): (.*?);/.exec(refused.log) ?? [];
    const rights = `/etc/sudoers.d/${deployer.name}`;
    writeFileSync(rights, `${line}\n`, { mode: 0o440 });
    expect((await host.deploy({ ...as, source: program('v2') })).outputs.state).toBe('active');
  });

  it('or account whose password has expired is reported', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    shell(`chage -d 0 ${host.service.name}`);
    const step = await host.deploy({ source: program('v2') });
    expect(step.outputs.state).toBe('active');
    expect(step.log).toContain(`note: the password of ${host.service.name} has expired`);
  });
});

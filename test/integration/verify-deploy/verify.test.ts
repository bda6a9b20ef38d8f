import { spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { account } from '../../support/accounts.ts';
import { asShown, type Step, step } from '../../support/action.ts';
import { program, sha256 } from '../../support/programs.ts';
import { shell, type TestTarget, target } from '../../support/target.ts';

type Inputs = Record<string, string | number | undefined>;

function verify(host: TestTarget, inputs: Inputs = {}): Promise<Step> {
  const { 'ssh-key': key, 'known-hosts': known, host: where } = host.usual;
  return step('verify-deploy', {
    inputs: { host: where, 'ssh-key': key, 'known-hosts': known, path: host.destination, ...inputs },
  });
}

const short = (path: string) => sha256(path).slice(0, 12);

describe('after a deploy', () => {
  it('all holds, in one login; after a roll back the new one fails and the old one holds', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    await host.deploy({ source: program('v2') });
    const [logins, health] = [host.sshd.logins(), await host.health()];
    const checked = {
      'listen-port': host.port,
      'health-url': `http://localhost:${host.port}/`,
      'health-contains': '"version":"v2"',
      owner: host.service.name,
      mode: '755',
      'run-as': host.service.name,
      'started-after': '2020-01-01T00:00:00Z',
      'modified-after': '2020-01-01',
      'stable-seconds': 0.3,
      'log-file': host.logFile,
      'log-absent-strings': 'v1 listens\nfatal',
    };
    const good = await verify(host, { source: program('v2'), ...checked });
    expect(good.log).toContain('All checks passed.');
    expect(good.outputs).toMatchObject({
      verified: 'true',
      failed: '',
      sha256: sha256(program('v2')),
      pid: String(health?.pid),
    });
    const checks = JSON.parse(good.outputs.checks ?? '') as { name: string; ok: boolean }[];
    expect(checks.map(({ name }) => name)).toEqual([
      'file',
      'sha256',
      'owner',
      'mode',
      'modified-after',
      'running',
      'run-as',
      'started-after',
      'port',
      'health',
      'stable',
      'log',
      'deploy',
    ]);
    expect(host.sshd.logins() - logins).toBe(1);
    await host.deploy({ source: program('bad', 'exits at once') });
    const broken = await verify(host, { source: program('bad', 'exits at once') });
    expect(broken.outputs).toMatchObject({ verified: 'false', failed: 'sha256' });
    expect((await verify(host, { source: program('v2') })).outputs.verified).toBe('true');
  });
});

it('the account and the pid are those of a server, not of the workers that it gives another one', async () => {
  await using host = await target();
  copyFileSync('/bin/dash', host.destination);
  chmodSync(host.destination, 0o755);
  const worker = `setpriv --reuid=${host.service.uid} --clear-groups -- ${host.destination} -c 'while :; do sleep 1; done'`;
  const server = spawn(host.destination, ['-c', `${worker}; :`], { stdio: 'ignore' });
  await vi.waitFor(() => expect(host.pids()).toHaveLength(2));
  const { outputs, log } = await verify(host, { 'run-as': 'root' });
  expect(outputs.verified, log).toBe('true');
  expect(outputs.pid).toBe(String(server.pid));
});

it('a server is as stable as before though its workers come and go', async () => {
  await using host = await target();
  copyFileSync('/bin/dash', host.destination);
  chmodSync(host.destination, 0o755);
  const worker = `${host.destination} -c 'sleep 0.7; :'`;
  spawn(host.destination, ['-c', `while :; do ${worker}; done`], { stdio: 'ignore' });
  await vi.waitFor(() => expect(host.pids()).toHaveLength(2));
  const { outputs, log } = await verify(host, { 'stable-seconds': 1 });
  expect(outputs.verified, log).toBe('true');
});

it.skipIf(shell('command -v systemctl || true') === '')(
  "a user's unit is queried where the program runs, whoever owns the file",
  async () => {
    const systemctl = `${mkdtempSync('/tmp/fdt-systemctl-')}/systemctl`;
    writeFileSync(systemctl, '', { mode: 0o755 });
    chmodSync(dirname(systemctl), 0o755);
    await using host = await target({ instead: { systemctl } });
    await host.startByHand(program('v1'));
    chownSync(host.destination, 0, 0);
    const unit = ['LoadState=loaded', 'ActiveState=active', 'SubState=running', `MainPID=${host.pids()[0]}`];
    // The manager of every other account knows no such unit.
    const lines = ['#!/bin/sh', `[ "$(id -u)" = ${host.service.uid} ] && printf '%s\\n' ${unit.join(' ')}`];
    writeFileSync(systemctl, `${lines.join('\n')}\n`);
    try {
      const { outputs, log } = await verify(host, { service: 'user:server' });
      expect(outputs.verified, log).toBe('true');
    } finally {
      rmSync(dirname(systemctl), { recursive: true });
    }
  },
);

describe('is red, and says both sides, when', () => {
  it('the file was replaced and the old process still runs', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const [pid] = host.pids();
    copyFileSync(program('v2'), `${host.destination}.new`);
    renameSync(`${host.destination}.new`, host.destination);
    const { log, outputs, code } = await verify(host, {
      source: program('v2'),
      'health-url': `http://localhost:${host.port}/`,
    });
    expect(log).toContain(
      `FAILED running         expected a process that runs this file (${short(program('v2'))}); found pid ${pid} runs ${short(program('v1'))}, the file is ${short(program('v2'))}`,
    );
    expect(outputs.failed).toBe('running');
    expect(code).toBe(1);
  });

  it('the file was replaced and the path leads there through a link', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const [pid] = host.pids();
    copyFileSync(program('v2'), `${host.destination}.new`);
    renameSync(`${host.destination}.new`, host.destination);
    symlinkSync(host.folder, `${host.folder}/../link`);
    const { outputs, log } = await verify(host, { path: resolve(host.folder, '../link', host.name), running: 'no' });
    expect(outputs.failed).toBe('running');
    expect(log).toContain(`found pid ${pid} (${host.service.name})`);
  });

  it('the file was deleted under the running process', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    rmSync(host.destination);
    const { outputs, log } = await verify(host, { sha256: sha256(program('v1')) });
    expect(outputs.failed).toBe('file,running');
    expect(log).toContain(`runs ${short(program('v1'))}, the file is gone`);
  });

  it('the right process runs, but another one owns the port', async () => {
    await using host = await target();
    const squatter = await host.startSquatter(program('squatter'));
    await host.startElsewhere(program('v1'));
    const { outputs, log } = await verify(host, { source: program('v1'), 'listen-port': host.port });
    expect(outputs.failed).toBe('port');
    expect(log).toMatch(new RegExp(`found held by pid ${squatter} \\(/opt/fdt-\\S+/squatter\\)`));
  });

  it('the file or the process is older, even by less than a second', async () => {
    await using host = await target();
    const before = Date.now();
    await host.startByHand(program('v1'));
    const after = Date.now() + 300;
    utimesSync(host.destination, after / 1000, (before + 300) / 1000);
    const iso = (milliseconds: number) => new Date(milliseconds).toISOString();
    const good = await verify(host, { 'started-after': iso(before), 'modified-after': iso(before + 299) });
    expect(good.outputs.verified, good.log).toBe('true');
    const bad = await verify(host, { 'started-after': iso(after), 'modified-after': iso(before + 301) });
    expect(bad.outputs.failed).toBe('modified-after,started-after');
  });

  it('nothing runs, or something runs that must not', async () => {
    await using host = await target();
    copyFileSync(program('v1'), host.destination);
    expect((await verify(host)).outputs.failed).toBe('running');
    expect((await verify(host, { running: 'no' })).outputs.verified).toBe('true');
    await host.startByHand(program('v1'));
    expect((await verify(host, { running: 'no' })).outputs.failed).toBe('running');
    expect((await verify(host, { running: 'any' })).outputs.verified).toBe('true');
  });

  it('the process keeps crashing within the stable window', async () => {
    await using host = await target();
    copyFileSync(program('loop', 'exits after 900 ms'), host.destination);
    chmodSync(host.destination, 0o755);
    const loop = spawn('/bin/sh', ['-c', `while :; do ${host.destination} --port ${host.port}; done`], {
      stdio: 'ignore',
      detached: true,
    });
    try {
      await new Promise((resolve) => setTimeout(resolve, 300));
      const { outputs, log } = await verify(host, { 'stable-seconds': 2 });
      // Between two lives there may be no process at all.
      expect(outputs.failed).toMatch(/^(running,)?stable$/);
      expect(log).toMatch(/expected the same process for 2 s; found (pid \d+ exited during that time|no process)/);
    } finally {
      process.kill(-(loop.pid ?? 0), 'SIGKILL');
    }
  });

  it('a deploy was left unfinished', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    await host.deploy({ source: program('v2') });
    shell(`sed -i '$d' ${host.folder}/.botserver.deploy/journal`);
    const { outputs, log } = await verify(host);
    expect(outputs.failed).toBe('deploy');
    expect(log).toContain(
      'found https://forge.example/team/service/actions/runs/7 was interrupted during `accept`; re-run deploy-binary',
    );
  });

  it('the health answer is wrong; it is shown short and escaped', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const url = `http://localhost:${host.port}/`;
    const { log, outputs } = await verify(host, {
      'health-url': url,
      'health-status': '500-599',
      retrySeconds: undefined,
    });
    expect(outputs.failed).toBe('health');
    expect(log).toContain(`answers 200, not 500-599: {"status":"ok"`);
  });
});

describe('strings', () => {
  it('are found as literal bytes: overlapping, within each other, around NULs, with any sign', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const filler = Buffer.alloc(3e6, 'x');
    const parts = ['abcdef', '-e $(id) .*', "it's [a] \\n", 'Grüße', 'abc\0def'];
    writeFileSync(
      host.destination.replace('botserver', 'blob'),
      Buffer.concat([filler, ...parts.flatMap((part) => [Buffer.from(part), Buffer.from([0]), filler])]),
    );
    const inputs = { path: host.destination.replace('botserver', 'blob'), running: 'any' };
    const wanted = ['abcdef', 'abcd', 'cdef', 'bcde', '-e $(id) .*', "it's [a] \\n", 'Grüße', 'xxxx'];
    const good = await verify(host, {
      ...inputs,
      strings: wanted.join('\n\n'),
      'absent-strings': 'abcdefg\nABCDEF\nid) ..',
    });
    expect(good.outputs.verified, good.log).toBe('true');
    const bad = await verify(host, {
      ...inputs,
      strings: 'abcdef\nnot there\nnor this',
      'absent-strings': 'Grüße\nnever',
    });
    expect(bad.log).toContain('FAILED strings         expected all 3; found missing: not there · nor this');
    expect(bad.log).toContain('FAILED absent-strings  expected none of 2; found present: Grüße');
  });

  it('are literal to the last blank', async () => {
    await using host = await target();
    writeFileSync(host.destination, 'version 1.23\0\tof today');
    const inputs = { running: 'any', strings: 'version 1.2 \n\tof\n \n', 'absent-strings': ' version\ntoday ' };
    const { outputs, log } = await verify(host, inputs);
    expect(outputs.failed).toBe('strings');
    expect(log).toContain('expected all 2; found missing: version 1.2 \n');
  });

  it('are found where they are there three million times and the target has no room for files', async () => {
    await using host = await target({ config: 'SetEnv TMPDIR=/nowhere' });
    writeFileSync(host.destination, 'often and rare\0'.repeat(3e6));
    const { outputs, log } = await verify(host, { running: 'any', strings: 'often', 'absent-strings': 'often\nrare' });
    expect(outputs.failed).toBe('absent-strings');
    expect(log).toContain('found present: often · rare');
  });

  it('that can not be searched are red, in a binary and in a log', async () => {
    // Like a grep that knows no such options, this ends with 2.
    await using host = await target({ instead: { grep: '/usr/bin/cmp' } });
    await host.startByHand(program('v1'));
    const { outputs, log } = await verify(host, {
      'absent-strings': 'never',
      'log-file': host.logFile,
      'log-absent-strings': 'panic',
    });
    expect(outputs.failed, log).toBe('absent-strings,log');
    expect(log.match(/found not searched: grep \(-a -o -F -f\) or awk failed on the target/g)).toHaveLength(2);
  });
});

describe('the log', () => {
  it('with hostile bytes does no harm', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    appendFileSync(
      host.logFile,
      `panic \u001b[2J\u001b]0;x\u0007 ::set-output name=verified::true\n::error::panic\n${'panic'.repeat(20_000)}`,
    );
    const { log, outputs } = await verify(host, { 'log-file': host.logFile, 'log-absent-strings': 'panic' });
    expect(outputs.failed).toBe('log');
    expect(log).toContain('panic \\x1b[2J\\x1b]0;x\\x07 ::set-output');
    expect(log).not.toMatch(/^::(error|set-output)/m);
    expect(log.length).toBeLessThan(8000);
  });

  it.each([
    ['mkdir', 'directory'],
    ['mkfifo', 'fifo'],
    ['ln -s /dev/stdout', 'fifo'],
  ])('made by %s is none that could be read', async (make, kind) => {
    await using host = await target();
    await host.startByHand(program('v1'));
    shell(`rm ${host.logFile} && ${make} ${host.logFile} && chmod a+r ${host.logFile} || true`);
    const { outputs, log } = await verify(host, { 'log-file': host.logFile, 'log-absent-strings': 'panic' });
    expect(outputs.failed).toBe('log');
    expect(log).toContain(`found it is a ${kind}, not a regular file`);
  });

  it.each(['root', 'the service account'])('from before the start does not count where %s deployed', async (who) => {
    await using host = await target();
    const deployer = who === 'root' ? {} : { host: `${host.service.name}@127.0.0.1:${host.sshd.port}` };
    await host.startByHand(program('v1'));
    appendFileSync(host.logFile, 'panic of the old one\n');
    await host.deploy({ source: program('v2'), ...deployer });
    expect((await verify(host, { 'log-file': host.logFile, 'log-absent-strings': 'panic' })).outputs.verified).toBe(
      'true',
    );
    appendFileSync(host.logFile, 'panic of the new one\n');
    expect((await verify(host, { 'log-file': host.logFile, 'log-absent-strings': 'panic' })).outputs.failed).toBe(
      'log',
    );
  });
});

describe('rights', () => {
  it('of the service account itself suffice', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const own = await verify(host, {
      host: `${host.service.name}@127.0.0.1:${host.sshd.port}`,
      source: program('v1'),
      'listen-port': host.port,
    });
    expect(own.outputs.verified, own.log).toBe('true');
  });

  it('that are missing are red, with what would allow it; sudo is used where it is allowed', async () => {
    await using host = await target();
    using stranger = account();
    using admin = account({ sudo: true });
    await host.startByHand(program('v1'));
    const blind = await verify(host, { host: `${stranger.name}@127.0.0.1:${host.sshd.port}`, source: program('v1') });
    expect(blind.outputs.failed).toBe('running');
    expect(blind.log).toContain(
      `may be running it, but can't be inspected as ${stranger.name}: allow sudo without a password (sudo refuses: sudo: a password is required`,
    );
    const seeing = await verify(host, {
      host: `${admin.name}@127.0.0.1:${host.sshd.port}`,
      source: program('v1'),
      'listen-port': host.port,
    });
    expect(seeing.outputs.verified, seeing.log).toBe('true');
  });

  it('to enter the folders of the file and of the log are missing too: this is reported, and sudo is used', async () => {
    await using host = await target();
    using stranger = account();
    using admin = account({ sudo: true });
    copyFileSync(program('v1'), host.destination);
    writeFileSync(host.logFile, 'panic\n');
    shell(`chmod 700 ${host.folder} ${dirname(host.logFile)}`);
    const inputs = {
      running: 'any',
      strings: 'listens',
      'log-file': host.logFile,
      'log-absent-strings': 'panic',
    };
    const blind = await verify(host, { ...inputs, host: `${stranger.name}@127.0.0.1:${host.sshd.port}` });
    expect(blind.outputs.failed).toBe('file,strings,log,deploy');
    expect(blind.log.match(/FAILED .* found can't be inspected as \S+: allow sudo without a password/g)).toHaveLength(
      4,
    );
    const seeing = await verify(host, { ...inputs, host: `${admin.name}@127.0.0.1:${host.sshd.port}` });
    expect(seeing.outputs.failed, seeing.log).toBe('log');
    expect(seeing.log).toContain('found panic');
  });

  it('of the program are used to read its log, and reported when they do not suffice', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    chownSync(host.logFile, 0, 0);
    chmodSync(host.logFile, 0o600);
    const { outputs, log } = await verify(host, { 'log-file': host.logFile, 'log-absent-strings': 'panic' });
    expect(outputs.failed).toBe('log');
    expect(log).toContain(`found not readable by ${host.service.name}, the account of the program`);
  });

  it('of a number without an account are those of that number', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    await host.deploy({ source: program('v1'), force: true });
    for (const pid of host.pids()) process.kill(pid, 'SIGKILL');
    spawn(host.destination, ['--port', String(host.port)], { stdio: 'ignore', uid: 54_321, gid: 54_321 });
    await vi.waitFor(() => expect(host.pids()).toHaveLength(1));
    const state = `${host.folder}/.${host.name}.deploy`;
    shell(`chmod 644 ${host.logFile}; sed -i '$d' ${state}/journal; chown -R 54321 ${state}`);
    const { outputs, log } = await verify(host, {
      'run-as': '54321',
      'log-file': host.logFile,
      'log-absent-strings': 'listens',
    });
    expect(outputs.failed).toBe('log,deploy');
    expect(log).toContain('was interrupted during `accept`');
    expect(log).toMatch(/FAILED log .* found v1 listens/);
  });

  it('of root are not lent: a planted link in the state folder is not read as root', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    shell(
      `su -s /bin/sh ${host.service.name} -c 'mkdir -m 700 ${host.folder}/.botserver.deploy; ln -s /etc/shadow ${host.folder}/.botserver.deploy/history'`,
    );
    const { log } = await verify(host);
    // A line of shadow: name:password:days:…
    expect(shell('tail -n 1 /etc/shadow')).toMatch(/^[^:]+:[^:]+:\d+:/);
    expect(log).not.toMatch(/[^:\s]+:[^:\s]+:\d+:\d+:/);
  });
});

describe('a source that is not there', () => {
  it('leaves the deploy unverified, in the outputs too', async () => {
    await using host = await target();
    const { outputs, code } = await verify(host, { source: '/nowhere/server' });
    expect(outputs.verified).toBe('false');
    expect(code).toBe(1);
  });
});

describe('several targets', () => {
  it('are checked at once, and one that can not be reached hides no other', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const here = `root@127.0.0.1:${host.sshd.port}`;
    const { outputs, log, summary } = await verify(host, {
      // Written in another way: a line that is there twice is one target.
      host: `${here}\nroot@127.0.0.1:1\nssh://${here}\n${here}`,
      source: program('v1'),
    });
    expect(outputs).toMatchObject({ verified: 'false', failed: 'connection' });
    expect(log).toContain('FAILED connection');
    expect(log.match(/ok {5}running/g)).toHaveLength(2);
    expect(asShown(summary)).toContain(`| check | ${here} | root@127.0.0.1:1 | ${here} |`);
  });
});

describe('retry-seconds', () => {
  it('waits quietly until all holds', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const waiting = verify(host, { source: program('v2'), 'retry-seconds': 20 });
    await host.deploy({ source: program('v2') });
    const { outputs, log } = await waiting;
    expect(outputs.verified).toBe('true');
    expect(log.match(/sha256/g)).toHaveLength(1);
  });

  it('knocks less and less often where it is not let in', async () => {
    await using host = await target();
    const { outputs } = await verify(host, { host: `nobody-here@127.0.0.1:${host.sshd.port}`, 'retry-seconds': 10 });
    expect(outputs.failed).toBe('connection');
    expect(host.sshd.log().match(/Invalid user/g)?.length).toBeLessThan(6);
  });
});

describe('looking', () => {
  it('changes nothing: it works on a file system that is read-only', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    shell(`mount --bind ${host.folder} ${host.folder} && mount -o remount,bind,ro ${host.folder}`);
    try {
      const { outputs, log } = await verify(host, { source: program('v1'), strings: 'listens' });
      expect(outputs.verified, log).toBe('true');
    } finally {
      shell(`umount ${host.folder}`);
    }
    chownSync(host.destination, 0, 0);
  });
});

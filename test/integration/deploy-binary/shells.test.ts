import { chownSync, writeFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { account } from '../../support/accounts.ts';
import { step } from '../../support/action.ts';
import { program } from '../../support/programs.ts';
import { proxy } from '../../support/proxy.ts';
import { shell, target } from '../../support/target.ts';

describe('the login shell makes no difference:', () => {
  it.each(['/bin/dash', '/bin/bash', '/usr/bin/fish', '/bin/tcsh'])('%s', async (login) => {
    await using host = await target();
    using deployer = account({ shell: login, sudo: true });
    await host.startByHand(program('v1'));
    const step = await host.deploy({
      source: program('v2'),
      host: `${deployer.name}@127.0.0.1:${host.sshd.port}`,
      environment: "APP_X=it's $HOME",
    });
    expect(step.log).toContain('state     active');
    expect(await host.health()).toMatchObject({ version: 'v2', env: ["APP_X=it's $HOME"] });
  });

  it('a profile that chats on both streams, before and after', async () => {
    await using host = await target();
    using deployer = account({ shell: '/bin/bash', sudo: true });
    writeFileSync(
      `${deployer.home}/.bashrc`,
      'echo begin; echo state=active; echo Welcome; echo noise >&2\ntrap "echo bye" EXIT\n',
    );
    chownSync(`${deployer.home}/.bashrc`, deployer.uid, deployer.uid);
    await host.startByHand(program('v1'));
    const step = await host.deploy({
      source: program('bad', 'exits at once'),
      host: `${deployer.name}@127.0.0.1:${host.sshd.port}`,
    });
    expect(step.outputs.state).toBe('rolled-back');
    expect(await host.health()).toMatchObject({ version: 'v1' });
  });

  it('a server with a banner, a MOTD and a restricted PATH', async () => {
    await using host = await target({ config: 'PrintMotd yes\nBanner /etc/passwd\nSetEnv PATH=/nowhere' });
    await host.startByHand(program('v1'));
    const step = await host.deploy({ source: program('v2') });
    expect(step.outputs.state).toBe('active');
  });

  it('a server that allows a single session at a time, and says why it allows none', async () => {
    await using host = await target({ config: 'MaxSessions 1' });
    await host.startByHand(program('v1'));
    expect((await host.deploy({ source: program('v2') })).outputs.state).toBe('active');
    // From afar the next session is opened in advance.
    await using distant = await proxy(host.sshd.port, { delayMs: 15 });
    const from = { host: `root@127.0.0.1:${distant.port}`, 'host-key-checking': 'insecure' };
    expect((await host.deploy({ source: program('v1'), ...from })).outputs.state).toBe('active');
    await using closed = await target({ config: 'MaxSessions 0' });
    const step = await closed.deploy({ source: program('v2') });
    expect(step.code).toBe(1);
    expect(step.log).toContain('Opening a session on root@127.0.0.1');
    expect(step.log).toContain('MaxSessions');
    expect(step.outputs.state).toBe('untouched');
  });
});

describe('the program that runs on the target behaves the same in', () => {
  // /bin/sh is what runs it there: in a mount namespace of its own it is another shell.
  it.each(['/bin/dash', '/bin/bash', '/bin/busybox'])('%s as /bin/sh', async (sh) => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const server = `${host.sshd.folder}/other-sh`;
    // An overlay, for /bin/sh is a link to dash: there it is the shell wanted, and no dash is left.
    const lines = [
      '#!/bin/bash',
      'set -e; mount --make-rprivate /; mount -t tmpfs tmpfs /mnt; mkdir /mnt/upper /mnt/work',
      'mount -t overlay -o lowerdir=/usr/bin,upperdir=/mnt/upper,workdir=/mnt/work overlay /usr/bin',
      `cp ${sh} /usr/bin/sh.new; mv -f /usr/bin/sh.new /usr/bin/sh; [ ${sh} = /bin/dash ] || rm /usr/bin/dash`,
      `exec /usr/sbin/sshd -D -f ${host.sshd.folder}/sshd_config -E ${host.sshd.folder}/log -p "$1"`,
    ];
    writeFileSync(server, `${lines.join('\n')}\n`, { mode: 0o755 });
    const { spawn } = await import('node:child_process');
    const { freePort, reachable } = await import('../../support/sshd.ts');
    const port = await freePort();
    const inside = spawn('unshare', ['-m', server, String(port)], { stdio: 'ignore' });
    try {
      await reachable(port);
      const through = { host: `root@127.0.0.1:${port}`, 'host-key-checking': 'insecure' };
      const good = await host.deploy({ ...through, source: program('v2'), environment: "APP_X=it's\nUID_LIKE=1" });
      expect(good.log).toContain('state     active');
      expect(await host.health()).toMatchObject({ version: 'v2', env: ["APP_X=it's"] });
      const bad = await host.deploy({ ...through, source: program('bad', 'exits at once') });
      expect(bad.outputs.state).toBe('rolled-back');
      expect(await host.health()).toMatchObject({ version: 'v2', env: ["APP_X=it's"] });
      const same = await host.deploy({ ...through, source: program('v2'), environment: "APP_X=it's" });
      expect(same.outputs.state).toBe('unchanged');
      const proof = await step('verify-deploy', {
        inputs: {
          ...through,
          'ssh-key': host.sshd.key,
          path: host.destination,
          source: program('v2'),
          strings: 'listens on',
          'absent-strings': 'not in it',
          'listen-port': host.port,
          'health-url': `http://localhost:${host.port}/`,
          'log-file': host.logFile,
          'log-absent-strings': 'fatal',
        },
      });
      // The one that fell over wrote to the log after the one that runs again had begun in it.
      expect(proof.outputs.failed, proof.log).toBe('log');
    } finally {
      inside.kill();
    }
  });
});

describe('what has the name but does not run the file survives:', () => {
  it('a tail of its log, a shell and an editor with the path in their arguments', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const { spawn } = await import('node:child_process');
    const bystanders = [
      spawn('tail', ['-f', `${host.destination}.log`, '/dev/null'], { stdio: 'ignore' }),
      spawn('sh', ['-c', `sleep 60; : ${host.destination}`], { stdio: 'ignore' }),
      spawn('perl', ['-e', `$0 = "vi ${host.destination}"; sleep 60`], { stdio: 'ignore' }),
    ];
    try {
      const step = await host.deploy({ source: program('v2') });
      expect(step.outputs.state).toBe('active');
      expect(bystanders.map(({ exitCode, signalCode }) => [exitCode, signalCode])).toEqual(
        bystanders.map(() => [null, null]),
      );
    } finally {
      for (const bystander of bystanders) bystander.kill('SIGKILL');
    }
  });

  it('a program of the same path in a container', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const { spawn } = await import('node:child_process');
    const root = `${host.folder}/root`;
    shell(`mkdir -p ${root}${host.folder} && cp ${program('contained')} ${root}${host.destination}`);
    const contained = spawn('unshare', ['-m', 'chroot', root, host.destination, '--port', String(host.port + 7)], {
      stdio: 'ignore',
    });
    try {
      await vi.waitFor(() => fetch(`http://127.0.0.1:${host.port + 7}/`), 10_000);
      shell(`rm ${root}${host.destination}`);
      const step = await host.deploy({ source: program('v2') });
      expect(step.outputs.state).toBe('active');
      expect(contained.exitCode).toBeNull();
      expect(contained.signalCode).toBeNull();
    } finally {
      contained.kill('SIGKILL');
    }
  });
});

describe('metadata', () => {
  it.each(['staged', 'in-place'])(
    'of the replaced file is carried over, forth and back, %s: mode, capabilities, ACL, extended attributes',
    async (strategy) => {
      await using host = await target();
      await host.startByHand(program('v1'));
      shell(
        `setcap cap_net_bind_service=ep ${host.destination} && setfacl -m u:daemon:r-x ${host.destination} && setfattr -n user.note -v kept ${host.destination}`,
      );
      const about = () =>
        shell(
          `getcap ${host.destination}; getfacl -cp ${host.destination}; getfattr -d ${host.destination} 2>/dev/null; stat -c '%U:%G %a' ${host.destination}`,
        );
      const before = about();
      expect((await host.deploy({ source: program('v2'), strategy })).outputs.state).toBe('active');
      expect(about()).toBe(before);
      expect((await host.deploy({ source: program('bad', 'exits at once'), strategy })).outputs.state).toBe(
        'rolled-back',
      );
      expect(about()).toBe(before);
      expect((await host.deploy({ 'rollback-to': 'previous', strategy })).outputs.state).toBe('active');
      expect(about()).toBe(before);
      expect(host.stateFiles()).not.toContain('original');
    },
  );

  it('that is requested is set: capabilities and mode', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const step = await host.deploy({ source: program('v2'), capabilities: 'cap_net_bind_service=+ep', mode: '0750' });
    expect(step.outputs.state).toBe('active');
    expect(shell(`getcap ${host.destination}`)).toContain('cap_net_bind_service=ep');
    expect(shell(`stat -c %a ${host.destination}`).trim()).toBe('750');
    expect(
      (await host.deploy({ source: program('v2'), capabilities: 'cap_net_bind_service=+ep', mode: '0750' })).outputs
        .state,
    ).toBe('unchanged');
  });
});

describe('strategy: in-place', () => {
  it('replaces the program, and restores it from a compressed copy when the new one fails', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const good = await host.deploy({ source: program('v2'), strategy: 'in-place' });
    expect(good.log).toContain('state     active');
    expect(await host.health()).toMatchObject({ version: 'v2', uid: host.service.uid });
    const bad = await host.deploy({ source: program('bad', 'exits at once'), strategy: 'in-place' });
    expect(bad.outputs.state).toBe('rolled-back');
    expect(await host.health()).toMatchObject({ version: 'v2', uid: host.service.uid });
    const back = await host.deploy({ 'rollback-to': 'previous' });
    expect(back.outputs.state).toBe('active');
    expect(await host.health()).toMatchObject({ version: 'v1' });
  });

  it('needs no upload to restart the present file, to change its mode, or to use a kept release', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    await host.deploy({ source: program('v2'), strategy: 'in-place' });
    for (const asked of [{ force: true }, { mode: '0700' }]) {
      const step = await host.deploy({ source: program('v2'), strategy: 'in-place', ...asked });
      expect(step.log).toContain('state     active');
      expect(step.outputs['bytes-sent']).toBe('0');
    }
    expect(shell(`stat -c %a ${host.destination}`).trim()).toBe('700');
    const back = await host.deploy({ 'rollback-to': 'previous', strategy: 'in-place' });
    expect(back.log).toContain('state     active');
    expect(await host.health()).toMatchObject({ version: 'v1', uid: host.service.uid });
  });

  it('stops nothing for a kept release that was changed since', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    await host.deploy({ source: program('v2'), strategy: 'in-place' });
    const { pid } = (await host.health()) ?? {};
    shell(`for kept in ${host.folder}/.botserver.deploy/releases/*.zst; do echo x | zstd -q >"$kept"; done`);
    const back = await host.deploy({ 'rollback-to': 'previous', strategy: 'in-place' });
    expect(back.log).toContain('was changed after it was kept; it is not used');
    expect(back.outputs.state).toBe('untouched');
    expect(await host.health()).toMatchObject({ version: 'v2', pid });
  });

  it('rolls back when the connection breaks during the upload', async () => {
    const { proxy } = await import('../../support/proxy.ts');
    await using host = await target();
    await using between = await proxy(host.sshd.port);
    await host.startByHand(program('v1'));
    between.resetAfter(5e6);
    const step = await host.deploy({
      source: program('v2', 'healthy', 30e6),
      strategy: 'in-place',
      // Compressed, as over a slow link, it would be whole before the cut.
      transfer: 'plain',
      host: `root@127.0.0.1:${between.port}`,
      'host-key-checking': 'insecure',
    });
    between.heal();
    expect(step.outputs.state).toBe('rolled-back');
    // The new version never said anything; what the old one did is no reason.
    expect(step.log).not.toContain('output:');
    expect(step.log).toContain('do:     check the connection and free disk space');
    expect(await host.health()).toMatchObject({ version: 'v1' });
  });
});

describe('restart: command', () => {
  it('stops and starts by the commands given', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const step = await host.deploy({
      source: program('v2'),
      restart: 'command',
      'stop-command': `pkill -f ^${host.destination}; pkill -U ${host.service.uid} -x botserver; echo stopped >> ${host.folder}/said`,
      'start-command': `cd ${host.folder} && exec setpriv --reuid=${host.service.name} --regid=${host.service.name} --init-groups ./botserver --port ${host.port}`,
      'log-file': undefined,
      args: undefined,
    });
    expect(step.log).toContain('state     active');
    expect(await host.health()).toMatchObject({ version: 'v2', uid: host.service.uid });
    expect(shell(`cat ${host.folder}/said`)).toBe('stopped\n');
  });

  it('changes nothing when the stop command fails, also where nothing was before', async () => {
    await using host = await target();
    const inputs = {
      restart: 'command',
      'stop-command': 'exit 3',
      'start-command': 'true',
      owner: host.service.name,
      'log-file': undefined,
      args: undefined,
    };
    const first = await host.deploy({ ...inputs, source: program('v1') });
    expect(first.log).toContain('why:    the stop command exited with code 3.');
    expect(first.log).toContain('state:  staged. There was no previous version; the uploaded file was removed.');
    expect(host.stateFiles()).not.toContain('incoming');
    await host.startByHand(program('v1'));
    for (const rollback of [true, false]) {
      const second = await host.deploy({ ...inputs, source: program('v2'), rollback });
      expect(second.outputs.state).toBe('rolled-back');
    }
    expect(host.pids()).toEqual([(await host.health())?.pid]);
    expect(await host.health()).toMatchObject({ version: 'v1' });
  });

  it('waits for a program that the start command only leaves to others to start', async () => {
    await using host = await target();
    const step = await host.deploy({
      source: program('v1'),
      restart: 'command',
      'start-command': `{ sleep 1; exec ${host.destination} --port ${host.port}; } >/dev/null 2>&1 &`,
      'log-file': undefined,
      args: undefined,
    });
    expect(step.log).toContain('state     active');
    expect(await host.health()).toMatchObject({ version: 'v1' });
  });
});

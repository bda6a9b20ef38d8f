import { spawn } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { account } from '../../support/accounts.ts';
import { program } from '../../support/programs.ts';
import { target } from '../../support/target.ts';

describe('a process that the login can not judge stops a deploy before anything is touched:', () => {
  it('one that executes the file inside a container', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const root = `${host.folder}/../root`;
    mkdirSync(root);
    writeFileSync(`${root}/app`, '');
    const enter = `mount --bind ${host.destination} ${root}/app && exec chroot ${root} /app --port ${host.port + 7}`;
    const contained = spawn('unshare', ['-m', '/bin/sh', '-c', enter], { stdio: 'ignore' });
    try {
      await vi.waitFor(() => fetch(`http://127.0.0.1:${host.port + 7}/`), 10_000);
      const step = await host.deploy({ source: program('v2') });
      expect(step.log).toMatch(new RegExp(`pid ${contained.pid} runs the file inside (of )?a container`));
      expect(step.log).toContain('`container`');
      expect(step.outputs.state).toBe('untouched');
      expect(contained.exitCode ?? contained.signalCode).toBeNull();
    } finally {
      contained.kill('SIGKILL');
    }
  });

  it('one of a third account, where /proc hides it', async () => {
    const hiding = 'mount -t proc -o hidepid=2 proc /proc && exec "$@"';
    const within = ['unshare', '-m', '--propagation', 'slave', '/bin/sh', '-c', hiding, 'sh'];
    await using host = await target({ within, instead: { sudo: '/dev/null', doas: '/dev/null' } });
    using other = account();
    copyFileSync(program('v1'), host.destination);
    chownSync(host.destination, host.service.uid, host.service.uid);
    chmodSync(host.destination, 0o755);
    // Ends with its account.
    spawn(host.destination, ['--port', String(host.port)], { stdio: 'ignore', uid: other.uid, gid: other.uid });
    await vi.waitFor(async () => expect(await host.health()).toMatchObject({ uid: other.uid }), 10_000);
    const as = { host: `${host.service.name}@127.0.0.1:${host.sshd.port}` };
    const step = await host.deploy({ ...as, source: program('v2') });
    expect(step.log).toContain(`the processes of other accounts are hidden from ${host.service.name} (hidepid)`);
    expect(step.outputs.state).toBe('untouched');
  });
});

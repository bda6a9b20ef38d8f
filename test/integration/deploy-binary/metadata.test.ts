import { copyFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { step } from '../../support/action.ts';
import { program, sha256 } from '../../support/programs.ts';
import { shell, type TestTarget, target, textOf } from '../../support/target.ts';

const about = (host: TestTarget) =>
  shell(
    `stat -c '%u:%g %a' ${host.destination}; getcap ${host.destination}; getfacl -csp ${host.destination}; getfattr --absolute-names -d ${host.destination}`,
  );

describe('what an account gave its own file does not pass to a file of another', () => {
  it.each(['staged', 'in-place'])('unless it is given: set-ID bits, ACL, capabilities, %s', async (strategy) => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const gift = `setcap cap_net_bind_service=ep ${host.destination} && setfacl -m u:daemon:rwx ${host.destination} && setfattr -n user.note -v kept ${host.destination}`;
    shell(`chmod 6755 ${host.destination} && ${gift}`);
    const inputs = { strategy, owner: 'daemon:daemon', 'run-as': host.service.name };
    const step = await host.deploy({ ...inputs, source: program('v2') });
    expect(step.outputs.state, step.log).toBe('active');
    expect(step.log).toContain(
      'drop its ACL, capabilities, set-ID bits and write permission for others: the owner changes from',
    );
    expect(about(host)).toBe(`${shell('id -u daemon').trim()}:${shell('id -g daemon').trim()} 755\n`);
    const given = { mode: '4755', capabilities: 'cap_net_bind_service=+ep' };
    const back = { strategy, owner: host.service.name, 'run-as': host.service.name };
    expect((await host.deploy({ ...back, ...given, source: program('v3') })).outputs.state).toBe('active');
    expect(about(host)).toContain(' 4755\n');
    expect(about(host)).toContain('cap_net_bind_service=ep');
    // And to one of its own it does pass.
    expect((await host.deploy({ strategy, source: program('v4') })).outputs.state).toBe('active');
    expect(about(host)).toContain(' 4755\n');
    expect(about(host)).toContain('cap_net_bind_service=ep');
  });
});

describe('a group whose name has a blank', () => {
  it('is carried over as its number, staged, in-place and back', async () => {
    await using host = await target();
    // No tool makes such a group; directories have them.
    const locked = (command: string) => shell(`flock -w 30 /tmp/fdt-accounts.lock ${command}`);
    locked("sh -c 'echo fdt domain users:x:54321: >>/etc/group'");
    using _group = { [Symbol.dispose]: () => locked("sed -i '/^fdt domain users:/d' /etc/group") };
    await host.startByHand(program('v1'));
    shell(`chown ${host.service.uid}:54321 ${host.destination}`);
    for (const [version, strategy] of [
      ['v2', 'staged'],
      ['v3', 'in-place'],
    ] as const) {
      const step = await host.deploy({ source: program(version), strategy });
      expect(step.outputs.state, step.log).toBe('active');
      expect(step.log).toContain(':fdt domain users 0755');
      expect(about(host)).toBe(`${host.service.uid}:54321 755\n`);
    }
    const bad = await host.deploy({ source: program('bad', 'exits at once'), strategy: 'in-place' });
    expect(bad.outputs.state, bad.log).toBe('rolled-back');
    expect(about(host)).toBe(`${host.service.uid}:54321 755\n`);
    const back = await host.deploy({ 'rollback-to': 'previous' });
    expect(back.outputs).toMatchObject({ state: 'active', sha256: sha256(program('v2')) });
    expect(about(host)).toBe(`${host.service.uid}:54321 755\n`);
    expect((await host.deploy({ source: program('v2') })).outputs.state).toBe('unchanged');
  });
});

it('an exit code above every signal is reported as a code', async () => {
  await using host = await target();
  const ends = `${host.sshd.folder}/ends`;
  shell(`printf 'int main(){return 255;}' | gcc -static -x c -o ${ends} -`);
  await host.startByHand(program('v1'));
  const step = await host.deploy({ source: ends });
  expect(step.log).toContain('why:    the process exited with code 255 after');
});

it('verify-deploy enters no state folder through a link', async () => {
  await using host = await target();
  await host.startByHand(program('v1'));
  const secret = mkdtempSync('/root/fdt-secret-');
  writeFileSync(`${secret}/history`, 'root alone\n', { mode: 0o600 });
  writeFileSync(`${secret}/lock`, 'root alone\n', { mode: 0o600 });
  symlinkSync(secret, `${host.folder}/.botserver.deploy`);
  copyFileSync(program('v1'), `${host.sshd.folder}/v1`);
  const { log } = await step('verify-deploy', {
    inputs: {
      host: `root@127.0.0.1:${host.sshd.port}`,
      'ssh-key': host.sshd.key,
      'known-hosts': host.sshd.knownHosts,
      path: host.destination,
      source: `${host.sshd.folder}/v1`,
    },
  });
  rmSync(secret, { recursive: true });
  expect(log).not.toContain('root alone');
  expect(log).toContain('was not created by this tool');
});

it('a first deploy under SELinux gets the label of its place before it is renamed there', async () => {
  const shims = mkdtempSync('/opt/fdt-shims-');
  const shim = (name: string, line: string) =>
    writeFileSync(`${shims}/${name}`, `#!/bin/sh\n${line}\n`, { mode: 0o755 });
  shim('matchpathcon', '[ "$1" = -n ] && echo "label-of:$2"');
  shim('chcon', `echo "$1 $2" >>${shims}/labelled`);
  const selinux = 'mount -t tmpfs fdt-test /sys/fs && mkdir /sys/fs/selinux && echo 1 >/sys/fs/selinux/enforce';
  const enter = `mount --bind ${shims} /usr/local/sbin && ${selinux} && exec "$@"`;
  await using host = await target({ within: ['unshare', '-m', '/bin/sh', '-c', enter, 'sh'] });
  const step = await host.deploy({ source: program('v1'), owner: host.service.name });
  expect(step.outputs.state, step.log).toBe('active');
  expect(textOf(`${shims}/labelled`)).toBe(`label-of:${host.destination} incoming\n`);
  rmSync(shims, { recursive: true });
});

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Container, container } from '../support/lxd.ts';

test('a Debian host boots with systemd and lets a key in; after its plug was pulled it does again', async () => {
  await using host = await container('debian', 'system');
  using key = loginKey();
  await host.account('root', key.publicKey);
  expect(ssh(host, key, 'ps -o comm= -p 1; id -un')).toBe('systemd\nroot\n');
  await host.stopHard();
  await host.start();
  expect(ssh(host, key, 'id -un')).toBe('root\n');
});

test('a musl host has busybox and dropbear, and neither glibc, SFTP, sudo, zstd nor curl', async () => {
  await using host = await container('busybox', 'small');
  using key = loginKey();
  await host.account('root', key.publicKey);
  await host.account('svc', key.publicKey);
  expect(ssh(host, key, 'id -un; readlink -f /bin/sh; ls /lib')).toBe(
    'root\n/bin/busybox\nld-musl-aarch64.so.1\nld-musl-x86_64.so.1\nlibc.musl.so\n',
  );
  expect(ssh(host, key, 'for tool in sudo zstd curl bash sftp-server; do command -v $tool; done; true')).toBe('');
  expect(ssh(host, key, 'id -un', 'svc')).toBe('svc\n');
});

interface LoginKey extends Disposable {
  file: string;
  publicKey: string;
}

function loginKey(): LoginKey {
  const folder = mkdtempSync('/tmp/fdt-key-');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', `${folder}/id`]);
  return {
    file: `${folder}/id`,
    publicKey: readFileSync(`${folder}/id.pub`, 'utf8'),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function ssh({ address, knownHosts }: Container, key: LoginKey, command: string, user = 'root'): string {
  const known = `${key.file}.known`;
  writeFileSync(known, `${knownHosts}\n`);
  const options = ['-F', 'none', '-i', key.file, '-o', `UserKnownHostsFile=${known}`, '-o', 'BatchMode=yes'];
  return execFileSync('ssh', [...options, `${user}@${address}`, command], { encoding: 'utf8', timeout: 20_000 });
}

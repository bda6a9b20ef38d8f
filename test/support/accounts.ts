import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';

/** A throwaway Unix account with an empty home; removed at the end of the scope. */
export interface Account extends Disposable {
  name: string;
  uid: number;
  home: string;
}

/** Makes an account (as root). `sudo` allows it everything without a password. */
export function account({ shell = '/bin/sh', sudo = false } = {}): Account {
  const name = `fdt${randomBytes(4).toString('hex')}`;
  const locked = (command: string, ...words: string[]) =>
    execFileSync('flock', ['-w', '30', '/tmp/fdt-accounts.lock', command, ...words], { stdio: 'pipe' });
  locked('useradd', '-m', '-U', '-p', '*', '-s', shell, name);
  const rights = `/etc/sudoers.d/${name}`;
  if (sudo) {
    writeFileSync(rights, `${name} ALL=(ALL) NOPASSWD: ALL\n`);
    chmodSync(rights, 0o440);
  }
  const uid = Number(execFileSync('id', ['-u', name], { encoding: 'utf8' }));
  return {
    name,
    uid,
    home: `/home/${name}`,
    [Symbol.dispose]: () => {
      rmSync(rights, { force: true });
      try {
        execFileSync('pkill', ['-KILL', '-u', name]);
      } catch {
        // None of its processes is left.
      }
      locked('userdel', '-r', '-f', name);
    },
  };
}

/** Gives an account another name, as only directories have them (`CORP\\ada`), until the end of the scope. */
export function renamed({ name }: Account, other: string): Disposable {
  const files = ['/etc/passwd', '/etc/shadow', '/etc/group'];
  const rename = (from: string, to: string) => {
    const words = [
      '-w',
      '30',
      '/tmp/fdt-accounts.lock',
      'perl',
      '-pi',
      '-e',
      's/^\\Q$ENV{FROM}\\E:/$ENV{TO}:/',
      ...files,
    ];
    execFileSync('flock', words, { env: { ...process.env, FROM: from, TO: to }, stdio: 'pipe' });
  };
  rename(name, other);
  return { [Symbol.dispose]: () => rename(other, name) };
}

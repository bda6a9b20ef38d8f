import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';

const CACHE = new URL('../../.cache/', import.meta.url).pathname;
const LIBRARIES = 'usr/lib/x86_64-linux-gnu';

/** Debian's releases beside the one that the tests run on, and what their ssh needs. */
const PACKAGES = {
  bullseye: 'openssh-client libssl1.1',
  trixie: `openssh-client libssl3t64 libc6 libselinux1 libpcre2-8-0 zlib1g libgssapi-krb5-2 libkrb5-3 libk5crypto3 libcom-err2
    libkrb5support0 libkeyutils1 libedit2 libzstd1`,
};

/** A PATH whose `ssh` is that of another Debian, brought from its archive once; undefined where that can't be reached. */
export function otherSsh(release: keyof typeof PACKAGES): string | undefined {
  if (process.arch !== 'x64') return undefined;
  const folder = `${CACHE}ssh-${release}`;
  if (!existsSync(`${folder}/bin/ssh`)) {
    const making = `${folder}-${process.pid}`;
    try {
      make(making, release, folder);
      rmSync(folder, { recursive: true, force: true });
      renameSync(making, folder);
    } catch (error) {
      console.warn(`The ssh of Debian ${release} can't be had here: ${(error as Error).message.split('\n')[0]}`);
      return undefined;
    } finally {
      rmSync(making, { recursive: true, force: true });
    }
  }
  return `${folder}/bin:${process.env.PATH}`;
}

function make(folder: string, release: keyof typeof PACKAGES, place: string): void {
  for (const part of ['bin', 'lists/partial', 'archives/partial']) mkdirSync(`${folder}/${part}`, { recursive: true });
  writeFileSync(`${folder}/sources.list`, `deb http://deb.debian.org/debian ${release} main\n`);
  writeFileSync(`${folder}/status`, '');
  const options = [
    `Dir::Etc::sourcelist=${folder}/sources.list`,
    'Dir::Etc::sourceparts=-',
    `Dir::State::lists=${folder}/lists`,
    `Dir::State::status=${folder}/status`,
    `Dir::Cache=${folder}`,
    'APT::Sandbox::User=root',
    // The files of an old release are signed for a time that is over.
    'Acquire::Check-Valid-Until=false',
    'Acquire::Languages=none',
  ].flatMap((option) => ['-o', option]);
  const apt = (...words: string[]) =>
    execFileSync('apt-get', ['-q', ...options, ...words], { cwd: folder, stdio: 'pipe', timeout: 120_000 });
  apt('update');
  apt('download', ...PACKAGES[release].split(/\s+/));
  execFileSync('/bin/sh', ['-c', 'for package in *.deb; do dpkg-deb -x "$package" .; done'], { cwd: folder });
  // With its own C library where it brings one.
  const own = `${place}/${LIBRARIES}/ld-linux-x86-64.so.2 --argv0 ssh --library-path ${place}/${LIBRARIES}`;
  const run = existsSync(`${folder}/${LIBRARIES}/ld-linux-x86-64.so.2`)
    ? `exec ${own}`
    : `LD_LIBRARY_PATH=${place}/${LIBRARIES} exec`;
  writeFileSync(`${folder}/bin/ssh`, `#!/bin/sh\n${run} ${place}/usr/bin/ssh "$@"\n`, { mode: 0o755 });
  for (const part of ['lists', 'archives']) rmSync(`${folder}/${part}`, { recursive: true, force: true });
}

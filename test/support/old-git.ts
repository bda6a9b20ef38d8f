import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';

const FOLDER = new URL('../../.cache/git-2.30', import.meta.url).pathname;

/** Debian 11's git, unpacked and with its own parts, from an apt that leaves the machine's lists alone. */
const FETCH = `
  set -eu
  work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work" && chmod 755 .
  mkdir -p state/lists/partial cache/archives/partial
  echo 'deb http://deb.debian.org/debian bullseye main' >sources.list
  old() {
    apt-get -q -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$work/state/lists" \\
      -o Dir::Cache="$work/cache" -o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false "$@"
  }
  old update
  old download git/bullseye
  dpkg -x git_*.deb "$folder/got"
  mkdir "$folder/bin"
  printf '%s\\n' '#!/bin/sh' "GIT_EXEC_PATH=$folder/got/usr/lib/git-core GIT_TEMPLATE_DIR=$folder/got/usr/share/git-core/templates exec $folder/got/usr/bin/git \\"\\$@\\"" >"$folder/bin/git"
  chmod 755 "$folder/bin/git"
`;

/** The folder of the oldest git that works, brought from Debian once; undefined where that can't be had. */
export function oldGit(): string | undefined {
  const bin = `${FOLDER}/bin`;
  try {
    if (!existsSync(`${bin}/git`)) {
      mkdirSync(FOLDER, { recursive: true });
      const env = { ...process.env, folder: FOLDER };
      execFileSync('sh', ['-c', FETCH], { env, stdio: 'pipe', timeout: 120_000 });
    }
    return execFileSync(`${bin}/git`, ['--version'], { encoding: 'utf8' }).startsWith('git version 2.30')
      ? bin
      : undefined;
  } catch {
    return undefined;
  }
}

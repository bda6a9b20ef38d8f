import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';

const CACHE = new URL('../../.cache/packages/', import.meta.url).pathname;

/** Programs of Debian packages that are unpacked, not installed: nothing of them starts on its own. */
export interface Unpacked {
  root: string;
  /** PATH and so on, with which they find themselves and their libraries. */
  env: Record<string, string>;
}

/** Fetches the packages once; undefined where this machine can't. */
export function unpacked(...packages: string[]): Unpacked | undefined {
  const root = `${CACHE}${createHash('sha256').update(packages.join(' ')).digest('hex').slice(0, 12)}`;
  if (!existsSync(root)) {
    mkdirSync(CACHE, { recursive: true });
    const work = mkdtempSync(`${CACHE}getting-`);
    try {
      execFileSync('apt-get', ['download', '-q', ...packages], { cwd: work, stdio: 'pipe', timeout: 60_000 });
      execFileSync('/bin/sh', ['-c', 'for deb in *.deb; do dpkg-deb -x "$deb" root; done'], {
        cwd: work,
        stdio: 'pipe',
      });
      renameSync(`${work}/root`, root);
    } catch {
      if (!existsSync(root)) return undefined;
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  const folders = ['/usr/local/bin', '/usr/bin', '/usr/sbin', '/bin', '/sbin'];
  const libraries = ['x86_64', 'aarch64'].flatMap((machine) => [
    `${root}/usr/lib/${machine}-linux-gnu`,
    `${root}/lib/${machine}-linux-gnu`,
  ]);
  return {
    root,
    env: {
      PATH: [...folders.map((folder) => `${root}${folder}`), ...folders].join(':'),
      LD_LIBRARY_PATH: libraries.join(':'),
      PYTHONPATH: `${root}/usr/lib/python3/dist-packages`,
    },
  };
}

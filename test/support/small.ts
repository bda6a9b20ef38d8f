import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type Container, container } from './lxd.ts';

/** A small host: musl and busybox with dropbear, and a program that `svc` started by hand in /opt/app. */
export interface SmallHost extends Container {
  /** Begins anew: `program` runs, and no deploy was before. */
  startByHand(program: string): Promise<void>;
  /** What its program answers; throws when nothing does. */
  health(): Promise<string>;
}

/** A key pair whose private text logs in to all of `names` on the hosts that were given the public one. */
export function keyPair(): { private: string; public: string } {
  const folder = mkdtempSync('/tmp/fdt-key-');
  try {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', `${folder}/id`]);
    return { private: readFileSync(`${folder}/id`, 'utf8'), public: readFileSync(`${folder}/id.pub`, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Launches one that root and `svc` may log in to. */
export async function smallHost(name: string, publicKey: string): Promise<SmallHost> {
  const host = await container('busybox', name);
  for (const account of ['root', 'svc']) await host.account(account, publicKey);
  return {
    ...host,
    startByHand: async (program) => {
      await host.tried('killall -9 botserver');
      await host.sh('rm -rf /opt/app && mkdir -p /opt/app');
      await host.push(program, '/opt/app/botserver');
      await host.sh(
        `chown -R svc:svc /opt/app && cd /opt/app && cat >/tmp/start && chmod 755 /tmp/start && su svc -c /tmp/start
        for try in 1 2 3 4 5 6 7 8 9; do wget -qO- http://127.0.0.1:5858/ >/dev/null && exit 0; sleep 0.1; done; exit 1`,
        START,
      );
    },
    health: () => host.sh('wget -qO- http://127.0.0.1:5858/api/health'),
  };
}

const START = '#!/bin/sh\nsetsid ./botserver </dev/null >/opt/app/log 2>&1 &\n';

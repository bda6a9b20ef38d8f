import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { readIfThere } from './config-files.ts';
import { hashedName, knownHostsLine, lookupNames } from './known-hosts.ts';
import type { Target } from './target.ts';

/** Adds a host key that was accepted as new to the account's known_hosts. Nothing happens where that can't be written. */
export function rememberHostKey(target: Target, key: Buffer): void {
  const { newKeysFile: file, hashKnownHosts } = target;
  const [name = target.host] = lookupNames(target.host, target.port, target.hostKeyAlias);
  if (file === undefined) return;
  const line = knownHostsLine(hashKnownHosts ? hashedName(name) : name, key);
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const text = readIfThere(file)[0]?.text ?? '';
    // A file that was written from a secret often ends without one.
    const lineEnd = text === '' || text.endsWith('\n') ? '' : '\n';
    appendFileSync(file, `${lineEnd}${line}\n`, { mode: 0o600 });
  } catch {
    // A read-only home: it was accepted and reported all the same.
  }
}

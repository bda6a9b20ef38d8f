import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Log } from '../action/log.ts';
import { ConnectionError } from '../errors.ts';
import { readIfThere } from './config-files.ts';
import {
  fingerprint,
  hostKeyType,
  judgeHostKey,
  knownHostsLine,
  knownTypes,
  lookupNames,
  onlyByAuthority,
  parseKnownHosts,
} from './known-hosts.ts';
import type { Target } from './target.ts';

export type HostKeyChecking = 'strict' | 'accept-new' | 'insecure';

/** Host key algorithms a client may ask for, by preference; RSA keys sign with SHA-2. */
const ALGORITHMS: Record<string, string[]> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
};

/** Judges the host key a server offers; `refusal` is set when it was refused. */
export interface HostKeyJudge {
  /** Known types first, so that a server with several keys shows the one that can be checked. */
  algorithms: string[];
  accepts(key: Buffer): boolean;
  refusal(): ConnectionError | undefined;
}

/** Prepares the check of one host's key against the lines given, or the files of the SSH config. */
export function hostKeyJudge(
  target: Target,
  { checking, given, log }: { checking: HostKeyChecking; given: string | undefined; log: Log },
): HostKeyJudge {
  const text =
    given ??
    target.knownHostsFiles
      .flatMap((path) => readIfThere(path))
      .map((file) => file.text)
      .join('\n');
  const known = parseKnownHosts(text);
  const names = lookupNames(target.host, target.port, target.hostKeyAlias);
  const types = knownTypes(known, names);
  const preferred = types.flatMap((type) => ALGORITHMS[type] ?? []);
  const others = Object.values(ALGORITHMS).flat();
  let refused: ConnectionError | undefined;
  return {
    algorithms: [...new Set([...preferred, ...others])],
    refusal: () => refused,
    accepts: (key) => {
      const verdict = judgeHostKey(known, names, key);
      if (verdict === 'known') return true;
      if (checking === 'insecure') {
        log.warning(
          `The host key of ${target.name} was not checked (host-key-checking: insecure): ${fingerprint(key)}`,
        );
        return true;
      }
      const line = knownHostsLine(names[0] ?? target.host, key);
      if (checking === 'accept-new' && verdict === 'unknown') {
        log.warning(`New host key of ${target.name} accepted (host-key-checking: accept-new): ${line}`);
        if (given === undefined) remember(target.knownHostsFiles[0], line);
        return true;
      }
      refused = refusal(target, { verdict, key, line, types, authority: onlyByAuthority(known, names) });
      return false;
    },
  };
}

function remember(file: string | undefined, line: string): void {
  if (file === undefined) return;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const text = readIfThere(file)[0]?.text ?? '';
    // A file that was written from a secret often ends without one.
    const lineEnd = text === '' || text.endsWith('\n') ? '' : '\n';
    appendFileSync(file, `${lineEnd}${line}\n`, { mode: 0o600 });
  } catch {
    // A read-only home: it was accepted and told all the same.
  }
}

interface Refused {
  verdict: ReturnType<typeof judgeHostKey>;
  key: Buffer;
  line: string;
  types: string[];
  authority: boolean;
}

function refusal(target: Target, { verdict, key, line, types, authority }: Refused): ConnectionError {
  const offered = `${hostKeyType(key)} ${fingerprint(key)}`;
  const why = {
    revoked: `its host key is marked as revoked: ${offered}.`,
    changed: `its host key has changed: it offers ${offered}, which is not the one known for it.`,
    'other type known': `it is known by ${types.join(', ')}, but offers ${offered}.`,
    unknown: authority
      ? `its host key is known only through a certificate authority (@cert-authority), which is not supported; it offers ${offered}.`
      : `its host key is unknown: it offers ${offered}.`,
    known: '',
  }[verdict];
  const remedy = {
    revoked: 'find out which host answers there, and why its key was revoked.',
    changed: `find out why before you trust it (new machine, or somebody in between). If it is right, replace its known_hosts line by:\n${line}`,
    'other type known': `if that is the right host, add this line to known-hosts:\n${line}`,
    unknown: `compare the fingerprint with the host's own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub there), then add this line to known-hosts:\n${line}`,
    known: '',
  }[verdict];
  return new ConnectionError({ what: 'Connecting', where: target.name, why, remedy });
}

import type { Log } from '../action/log.ts';
import { ConnectionError } from '../errors.ts';
import { readIfThere } from './config-files.ts';
import {
  fingerprint,
  type HostKeyVerdict,
  hasAuthority,
  hostKeyType,
  judgeHostKey,
  knownHostsLine,
  knownTypes,
  lookupNames,
  parseKnownHosts,
  rsaBits,
} from './known-hosts.ts';
import { matchesPatterns } from './patterns.ts';
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

/** Judges the host key a server offers; it only decides and reports. */
export interface HostKeyJudge {
  /** Known types first, so that a server with several keys shows the one that can be checked. */
  algorithms: string[];
  accepts(key: Buffer): boolean;
  /** Set when it was refused. */
  refusal(): ConnectionError | undefined;
  /** A key that was accepted as new and is worth remembering. */
  newKey(): Buffer | undefined;
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
  let refused: ConnectionError | undefined;
  let newKey: Buffer | undefined;
  return {
    algorithms: allowed([...new Set([...preferred, ...Object.values(ALGORITHMS).flat()])], target),
    refusal: () => refused,
    newKey: () => newKey,
    accepts: (key) => {
      const verdict = judgeHostKey(known, names, key);
      const short = isShort(key, target);
      if (verdict === 'known' && !short) return true;
      if (checking === 'insecure') {
        log.warning(
          `The host key of ${target.name} was not checked (host-key-checking: insecure): ${fingerprint(key)}`,
        );
        return true;
      }
      const line = knownHostsLine(names[0] ?? target.host, key);
      if (checking === 'accept-new' && verdict === 'unknown' && !short) {
        log.warning(`New host key of ${target.name} accepted (host-key-checking: accept-new): ${line}`);
        if (given === undefined) newKey = key;
        return true;
      }
      const reason = short ? 'short' : verdict;
      refused = refusal(target, { reason, key, line, types, authority: hasAuthority(known, names) });
      return false;
    },
  };
}

/** What HostKeyAlgorithms leaves, in its order: a list, or one with `+`, `-` or `^` in front. */
function allowed(algorithms: string[], { hostKeyAlgorithms: given, written }: Target): string[] {
  if (given === undefined || given.startsWith('+')) return algorithms;
  const patterns = given.replace(/^[-^]/, '').split(',');
  const named = (algorithm: string) => matchesPatterns(algorithm, patterns);
  if (given.startsWith('-')) return nonEmpty(algorithms.filter((algorithm) => !named(algorithm)));
  if (given.startsWith('^')) return [...algorithms].sort((a, b) => Number(named(b)) - Number(named(a)));
  return nonEmpty(algorithms.filter(named));

  function nonEmpty(left: string[]): string[] {
    if (left.length > 0) return left;
    throw new ConnectionError({
      what: `Reading the SSH config for ${written}`,
      why: `HostKeyAlgorithms ${given} leaves nothing that the built-in client knows (${algorithms.join(', ')}).`,
      remedy: 'allow one of them there, or give another config with ssh-config.',
    });
  }
}

/** RequiredRSASize of the SSH config. */
function isShort(key: Buffer, { rsaBitsAtLeast }: Target): boolean {
  return (rsaBits(key) ?? rsaBitsAtLeast) < rsaBitsAtLeast;
}

interface Refused {
  reason: HostKeyVerdict | 'short';
  key: Buffer;
  line: string;
  types: string[];
  authority: boolean;
}

function refusal(target: Target, { reason, key, line, types, authority }: Refused): ConnectionError {
  const offered = `${hostKeyType(key)} ${fingerprint(key)}`;
  const why = {
    revoked: `its host key is marked as revoked: ${offered}.`,
    changed: `its host key has changed: it offers ${offered}, which is not the one known for it.`,
    'other type known': `known_hosts has only ${types.join(', ')} for it, but it offered ${offered}.`,
    unknown: authority
      ? `its host key is known only through a certificate authority (@cert-authority), which is not supported; it offers ${offered}.`
      : `its host key is unknown: it offers ${offered}.`,
    short: `its host key is too short: it offers ${offered} with ${rsaBits(key)} bits, and RequiredRSASize is ${target.rsaBitsAtLeast}.`,
    known: '',
  }[reason];
  const remedy = {
    revoked: 'find out which host answers there, and why its key was revoked.',
    changed: `find out why before you trust it (new machine, or somebody in between). If it is right, replace its known_hosts line by:\n${line}`,
    'other type known': `if that is the right host, add this line to known-hosts:\n${line}`,
    unknown: `compare the fingerprint with the host's own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub there), then add this line to known-hosts:\n${line}`,
    short: 'give the host a longer key (ssh-keygen -t ed25519), or lower RequiredRSASize in the SSH config.',
    known: '',
  }[reason];
  return new ConnectionError({ what: 'Connecting', where: target.name, why, remedy });
}

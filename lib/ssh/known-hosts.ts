import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { matchesPatterns } from './config.ts';

/** One line of a known_hosts file; sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT". */
export interface KnownHost {
  marker: '' | '@revoked' | '@cert-authority';
  /** The comma-separated patterns, or one hashed name. */
  patterns: string[];
  type: string;
  /** The key as the server sends it. */
  key: Buffer;
}

export type HostKeyVerdict = 'known' | 'revoked' | 'changed' | 'unknown' | 'other type known';

/** Reads known_hosts lines; comments and lines that are none are left out. */
export function parseKnownHosts(text: string): KnownHost[] {
  return text.split('\n').flatMap((line) => {
    const words = line.trim().split(/\s+/);
    const marker = words[0]?.startsWith('@') ? (words.shift() as KnownHost['marker']) : '';
    const [names, type, key] = words;
    if (!names || names.startsWith('#') || !type || !key) return [];
    return [{ marker, patterns: names.split(','), type, key: Buffer.from(key, 'base64') }];
  });
}

/**
 * Judges the key a server offers. `names` are the names it may be known by, the exact one first
 * (`[host]:port` before `host`, as OpenSSH looks).
 */
export function judgeHostKey(known: readonly KnownHost[], names: readonly string[], key: Buffer): HostKeyVerdict {
  const type = hostKeyType(key);
  if (known.some((entry) => entry.marker === '@revoked' && entry.key.equals(key) && matchesAny(entry, names)))
    return 'revoked';
  const plain = known.filter(({ marker }) => marker === '');
  if (plain.some((entry) => entry.key.equals(key) && matchesAny(entry, names))) return 'known';
  const exact = plain.filter((entry) => matchesAny(entry, names.slice(0, 1)));
  if (exact.some((entry) => entry.type === type)) return 'changed';
  return exact.length > 0 ? 'other type known' : 'unknown';
}

/** The key types a host is known by. */
export function knownTypes(known: readonly KnownHost[], names: readonly string[]): string[] {
  const types = known.filter((entry) => entry.marker === '' && matchesAny(entry, names)).map(({ type }) => type);
  return [...new Set(types)];
}

/** Whether the host is known only by a certificate authority, which is not supported. */
export function onlyByAuthority(known: readonly KnownHost[], names: readonly string[]): boolean {
  return known.some((entry) => entry.marker === '@cert-authority' && matchesAny(entry, names));
}

/** The names under which a host's key is looked up. */
export function lookupNames(host: string, port: number, alias: string | undefined): string[] {
  if (alias) return [alias];
  const name = host.toLowerCase();
  return port === 22 ? [name] : [`[${name}]:${port}`, name];
}

/** The line to paste into known_hosts. */
export function knownHostsLine(name: string, key: Buffer): string {
  return `${name} ${hostKeyType(key)} ${key.toString('base64')}`;
}

/** `SHA256:…` as ssh-keygen -l prints it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** The type named at the beginning of a public key blob. */
export function hostKeyType(key: Buffer): string {
  return key.subarray(4, 4 + (key.length >= 4 ? key.readUInt32BE(0) : 0)).toString('latin1');
}

function matchesAny(entry: KnownHost, names: readonly string[]): boolean {
  return names.some((name) => {
    const [first = ''] = entry.patterns;
    return first.startsWith('|1|') ? isHashOf(first, name) : matchesPatterns(name, entry.patterns.map(escapePort));
  });
}

// `[host]:port` has brackets and a colon that are no pattern.
function escapePort(pattern: string): string {
  return pattern.toLowerCase();
}

function isHashOf(hashed: string, name: string): boolean {
  const [, , salt = '', hash = ''] = hashed.split('|');
  const expected = Buffer.from(hash, 'base64');
  const actual = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest();
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

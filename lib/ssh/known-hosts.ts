import { createHash, createHmac, randomBytes } from 'node:crypto';
import { matchesHostPatterns } from './patterns.ts';

/** One line of a known_hosts file; sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT". */
export interface KnownHost {
  marker: '' | '@revoked' | '@cert-authority';
  /** Comma-separated patterns, or one hashed name. */
  hosts: string;
  type: string;
  /** The key as the server sends it. */
  key: Buffer;
}

export type HostKeyVerdict = 'known' | 'revoked' | 'changed' | 'unknown' | 'other type known';

/** Reads known_hosts lines; comments and lines that ssh passes over are left out. */
export function parseKnownHosts(text: string): KnownHost[] {
  return text.split('\n').flatMap((line) => {
    const [, marker = '', rest = ''] = /^[ \t]*(?:(@[^ ]+)[ \t]+)?(.*)$/.exec(line.replace(/\r+$/, '')) ?? [];
    const [hosts = '', type = '', encoded = ''] = rest.split(/[ \t]+/);
    if (hosts === '' || hosts.startsWith('#') || !['', '@revoked', '@cert-authority'].includes(marker)) return [];
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded) || encoded.length % 4 !== 0) return [];
    const key = Buffer.from(encoded, 'base64');
    // The word before the key is no more than a claim.
    if (!isWholeKey(key) || (SIGNATURES[type] ?? type) !== hostKeyType(key)) return [];
    return [{ marker: marker as KnownHost['marker'], hosts, type: hostKeyType(key), key }];
  });
}

/** Names of signatures, which ssh takes for those of their keys. */
const SIGNATURES: Record<string, string> = { 'rsa-sha2-256': 'ssh-rsa', 'rsa-sha2-512': 'ssh-rsa' };

/**
 * Judges the key a server offers. `names` are the names it may be known by: the exact one, and the one without the port, which
 * counts only where nothing is known by the exact one.
 */
export function judgeHostKey(known: readonly KnownHost[], names: readonly string[], key: Buffer): HostKeyVerdict {
  const isRevoked = known.some((entry) => entry.marker === '@revoked' && entry.key.equals(key) && isFor(entry, names));
  if (isRevoked) return 'revoked';
  const [exact = '', ...others] = names;
  const verdict = judgeByName(known, exact, key);
  const isKnownOtherwise = verdict === 'unknown' && others.some((name) => judgeByName(known, name, key) === 'known');
  return isKnownOtherwise ? 'known' : verdict;
}

function judgeByName(known: readonly KnownHost[], name: string, key: Buffer): HostKeyVerdict {
  const entries = known.filter((entry) => entry.marker === '' && isFor(entry, [name]));
  if (entries.some((entry) => entry.key.equals(key))) return 'known';
  if (entries.some(({ type }) => type === hostKeyType(key))) return 'changed';
  return entries.length > 0 ? 'other type known' : 'unknown';
}

/** The key types a host is known by, under the first name that is known at all. */
export function knownTypes(known: readonly KnownHost[], names: readonly string[]): string[] {
  for (const name of names) {
    const types = known.filter((entry) => entry.marker === '' && isFor(entry, [name])).map(({ type }) => type);
    if (types.length > 0) return [...new Set(types)];
  }
  return [];
}

/** Whether the host is known by a certificate authority, which is not supported. */
export function hasAuthority(known: readonly KnownHost[], names: readonly string[]): boolean {
  return known.some((entry) => entry.marker === '@cert-authority' && isFor(entry, names));
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

/** A name as `HashKnownHosts` has it. */
export function hashedName(name: string, salt: Buffer = randomBytes(20)): string {
  const hash = createHmac('sha1', salt).update(name).digest('base64');
  return `|1|${salt.toString('base64')}|${hash}`;
}

/** The size of an RSA key; undefined for others. */
export function rsaBits(key: Buffer): number | undefined {
  const [type, , modulus] = fieldsOf(key) ?? [];
  if (type?.toString('latin1') !== 'ssh-rsa' || !modulus) return undefined;
  return bitsOf(modulus);
}

function isFor({ hosts }: KnownHost, names: readonly string[]): boolean {
  const [, , salt] = hosts.split('|');
  return names.some((name) =>
    hosts.startsWith('|')
      ? salt !== undefined && hashedName(name, Buffer.from(salt, 'base64')) === hosts
      : matchesHostPatterns(name, hosts.split(',')),
  );
}

/** Whether a key has exactly the fields of its type. */
function isWholeKey(key: Buffer): boolean {
  const fields = fieldsOf(key);
  if (!fields) return false;
  const [type = '', ...rest] = [fields[0]?.toString('latin1') ?? '', ...fields.slice(1)];
  if (FIELDS[type as string] !== rest.length) return false;
  if (type === 'ssh-ed25519') return (rest[0] as Buffer).length === 32;
  return type !== 'ssh-rsa' || bitsOf(rest[1] as Buffer) >= 1024;
}

const FIELDS: Record<string, number> = {
  'ssh-ed25519': 1,
  'ssh-rsa': 2,
  'ssh-dss': 4,
  'ecdsa-sha2-nistp256': 2,
  'ecdsa-sha2-nistp384': 2,
  'ecdsa-sha2-nistp521': 2,
  'sk-ssh-ed25519@openssh.com': 2,
  'sk-ecdsa-sha2-nistp256@openssh.com': 3,
};

/** Each has its length in front. */
function fieldsOf(key: Buffer): Buffer[] | undefined {
  const fields: Buffer[] = [];
  for (let at = 0; at < key.length; ) {
    const end = at + 4 <= key.length ? at + 4 + key.readUInt32BE(at) : Number.POSITIVE_INFINITY;
    if (end > key.length) return undefined;
    fields.push(key.subarray(at + 4, end));
    at = end;
  }
  return fields;
}

function bitsOf(number: Buffer): number {
  const first = number.findIndex((byte) => byte !== 0);
  return first < 0 ? 0 : (number.length - first) * 8 - Math.clz32(number[first] ?? 0) + 24;
}

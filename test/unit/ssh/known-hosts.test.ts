import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  fingerprint,
  hasAuthority,
  judgeHostKey,
  knownHostsLine,
  lookupNames,
  parseKnownHosts,
} from '../../../lib/ssh/known-hosts.ts';
import { lengthFirst } from '../../../lib/ssh/wire.ts';

const ED = key('ssh-ed25519', Buffer.alloc(32, 1));
const OTHER = key('ssh-ed25519', Buffer.alloc(32, 2));
const RSA = key('ssh-rsa', Buffer.from([1, 0, 1]), Buffer.alloc(256, 3));

/** A key as servers send it: its type and its parts, each with its length in front. */
function key(type: string, ...parts: Buffer[]): Buffer {
  return Buffer.concat([type, ...parts].map((part) => lengthFirst(part)));
}

function hashed(name: string): string {
  const salt = Buffer.from('a salt of 20 bytes..');
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
}

const line = (name: string, blob = ED) => knownHostsLine(name, blob);

test.each([
  ['the plain name', line('host'), 22, 'known'],
  ['another case', line('HOST'), 22, 'known'],
  ['one of several names', line('a,host,b'), 22, 'known'],
  ['a wildcard', line('h*'), 22, 'known'],
  ['a negated name', line('h*,!host'), 22, 'unknown'],
  ['a hashed name', line(hashed('host')), 22, 'known'],
  ['a hashed name with its port', line(hashed('[host]:2222')), 2222, 'known'],
  ['a name with its port', line('[host]:2222'), 2222, 'known'],
  ['the name without the port, as OpenSSH takes it', line('host'), 2222, 'known'],
  ['another port', line('[host]:2223'), 2222, 'unknown'],
  ['another key', line('host', OTHER), 22, 'changed'],
  [
    'another key for the port, the right one for the name',
    `${line('[host]:2222', OTHER)}\n${line('host')}`,
    2222,
    'changed',
  ],
  ['another key without the port', line('host', OTHER), 2222, 'unknown'],
  ['a key of another type', line('host', RSA), 22, 'other type known'],
  ['a revoked key', `@revoked ${line('*')}\n${line('host')}`, 22, 'revoked'],
  ['comments and rubbish', `# ${line('host')}\n\nhost\n${line('host')} comment`, 22, 'known'],
  ['a word before the key that is not its type', line('host').replace('ssh-ed25519', 'ssh-rsa'), 22, 'unknown'],
  ['a key that is cut off', `host ssh-ed25519 ${ED.subarray(0, 30).toString('base64')}`, 22, 'unknown'],
  ['an unknown marker', `@trusted ${line('host')}`, 22, 'unknown'],
  ['nothing', '', 22, 'unknown'],
])('known by %s', (_, text, port, verdict) => {
  expect(judgeHostKey(parseKnownHosts(text), lookupNames('Host', port, undefined), ED)).toBe(verdict);
});

test('an alias is looked up instead of the name and its port', () => {
  expect(lookupNames('host', 2222, 'alias')).toEqual(['alias']);
});

test('a certificate authority is distinguished from a key', () => {
  const known = parseKnownHosts(`@cert-authority ${line('host')}`);
  expect(judgeHostKey(known, ['host'], ED)).toBe('unknown');
  expect(hasAuthority(known, ['host'])).toBe(true);
});

test('a fingerprint is written as ssh-keygen does', () => {
  expect(fingerprint(ED)).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
});

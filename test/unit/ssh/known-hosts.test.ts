import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  fingerprint,
  judgeHostKey,
  knownHostsLine,
  lookupNames,
  onlyByAuthority,
  parseKnownHosts,
} from '../../../lib/ssh/known-hosts.ts';

const ED = key('ssh-ed25519', 'one');
const OTHER = key('ssh-ed25519', 'two');
const RSA = key('ssh-rsa', 'three');

/** A key blob as servers send it: the length of the type, the type, the rest. */
function key(type: string, rest: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(type.length);
  return Buffer.concat([length, Buffer.from(type), Buffer.from(rest)]);
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
    'known',
  ],
  ['another key without the port', line('host', OTHER), 2222, 'unknown'],
  ['a key of another type', line('host', RSA), 22, 'other type known'],
  ['a revoked key', `@revoked ${line('*')}\n${line('host')}`, 22, 'revoked'],
  ['comments and rubbish', `# ${line('host')}\n\nhost\n${line('host')} comment`, 22, 'known'],
  ['nothing', '', 22, 'unknown'],
])('known by %s', (_, text, port, verdict) => {
  expect(judgeHostKey(parseKnownHosts(text), lookupNames('Host', port, undefined), ED)).toBe(verdict);
});

test('an alias is looked up instead of the name and its port', () => {
  expect(lookupNames('host', 2222, 'alias')).toEqual(['alias']);
});

test('a certificate authority is told apart from a key', () => {
  const known = parseKnownHosts(`@cert-authority ${line('host')}`);
  expect(judgeHostKey(known, ['host'], ED)).toBe('unknown');
  expect(onlyByAuthority(known, ['host'])).toBe(true);
});

test('a fingerprint is written as ssh-keygen does', () => {
  expect(fingerprint(ED)).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
});

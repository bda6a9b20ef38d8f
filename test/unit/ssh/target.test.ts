import { expect, test } from 'vitest';
import { resolveConfig } from '../../../lib/ssh/config.ts';
import { resolveTarget } from '../../../lib/ssh/target.ts';

/** As the config has it: for ssh, not for us. */
const KEYS = '$' + '{KEYS}';

function target(text: string, proxyJump?: string) {
  const question = { host: 'web', user: undefined, localUser: 'ada', home: '/home/ada', include: () => [] };
  const config = resolveConfig([{ path: 'config', text }], question);
  return resolveTarget({ user: undefined, host: 'web', port: undefined }, config, {
    localUser: 'ada',
    home: '/home/ada',
    env: (name) => ({ SSH_AUTH_SOCK: '/run/agent', KEYS: '/keys' })[name],
    user: undefined,
    port: undefined,
    proxyJump,
    connectTimeoutSeconds: undefined,
    keepaliveSeconds: undefined,
    container: undefined,
  });
}

test.each([
  ['ConnectTimeout 20', { connectTimeoutSeconds: 20 }],
  ['ConnectTimeout 1m30s', { connectTimeoutSeconds: 90 }],
  ['ConnectTimeout 0', { connectTimeoutSeconds: 15 }],
  ['ServerAliveInterval 1M', { keepaliveSeconds: 60 }],
  ['ServerAliveInterval 0', { keepaliveSeconds: 5 }],
  ['ServerAliveCountMax 0', { keepaliveMissed: 3 }],
  [`IdentityFile ${KEYS}/%r`, { identityFiles: ['/keys/ada'] }],
  [`UserKnownHostsFile "${KEYS}/known"\nGlobalKnownHostsFile none`, { knownHostsFiles: ['/keys/known'] }],
  ['IdentityAgent $KEYS', { agent: '/keys' }],
  [`IdentityAgent ${KEYS}/agent`, { agent: '/keys/agent' }],
  ['IdentityAgent none', { agent: undefined }],
  ['', { agent: '/run/agent' }],
  ['ProxyJump a,b', { jumps: ['a', 'b'] }],
  ['ProxyJump a\nProxyCommand nc %h %p', { jumps: ['a'] }],
  ['ProxyJump none\nProxyCommand nc %h %p', { jumps: [] }],
  ['ProxyCommand none\nProxyJump a', { jumps: [] }],
])('%j is followed as ssh does', (text, expected) => {
  expect(target(text)).toMatchObject(expected);
});

test.each([
  ['ProxyCommand nc %h %p\nProxyJump a', 'ProxyCommand is set for web, which is not supported; use ProxyJump'],
  [`IdentityFile ${KEYS.replace('KEYS', 'NOTHING')}/a`, 'the environment variable NOTHING is not set'],
  ['ConnectTimeout soon', "ConnectTimeout 'soon' is no time"],
])('%j is refused', (text, why) => {
  expect(() => target(text)).toThrow(why);
});

test('a jump host given as an input goes before every other way', () => {
  expect(target('ProxyCommand nc %h %p', 'bastion').jumps).toEqual(['bastion']);
});

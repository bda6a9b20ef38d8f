import { expect, test } from 'vitest';
import { resolveConfig } from '../../../lib/ssh/config.ts';
import { resolveTarget } from '../../../lib/ssh/target.ts';

/** As the config has it: for ssh, not for us. */
const KEYS = '$' + '{KEYS}';

const RUNNER = {
  localUser: 'ada',
  homes: ['/home/ada', '/github/home'],
  homeOf: (account: string) => (account === 'bob' ? '/home/bob' : undefined),
  hostname: 'runner.example',
  uid: 1000,
  env: (name: string) => ({ SSH_AUTH_SOCK: '/run/agent', KEYS: '/keys' })[name],
};

function target(text: string, proxyJump?: string) {
  const config = resolveConfig([{ path: 'config', text }], {
    ...RUNNER,
    host: 'web',
    user: undefined,
    include: () => [],
  });
  const inputs = {
    user: undefined,
    port: undefined,
    proxyJump,
    connectTimeoutSeconds: undefined,
    keepaliveSeconds: undefined,
    container: undefined,
  };
  return resolveTarget({ user: undefined, host: 'web', port: undefined }, config, { runner: RUNNER, inputs });
}

const named = (path: string) => ({ path, named: true });

test.each([
  ['ConnectTimeout 20', { connectTimeoutSeconds: 20 }],
  ['ConnectTimeout 1m30s', { connectTimeoutSeconds: 90 }],
  ['ConnectTimeout 0', { connectTimeoutSeconds: 15 }],
  ['ServerAliveInterval 1M', { keepaliveSeconds: 60 }],
  ['ServerAliveInterval 0', { keepaliveSeconds: 5 }],
  ['ServerAliveCountMax 0', { keepaliveMissed: 3 }],
  [`IdentityFile ${KEYS}/%r`, { identityFiles: [named('/keys/ada')] }],
  [`UserKnownHostsFile "${KEYS}/known"\nGlobalKnownHostsFile none`, { knownHostsFiles: ['/keys/known'] }],
  [
    'IdentityFile ~/%L-%i-%n-%%',
    { identityFiles: [named('/home/ada/runner-1000-web-%'), named('/github/home/runner-1000-web-%')] },
  ],
  ['IdentityFile ~bob/key', { identityFiles: [named('/home/bob/key')] }],
  [
    'GlobalKnownHostsFile none',
    {
      knownHostsFiles: ['/home/ada', '/github/home']
        .flatMap((home) => [`${home}/.ssh/known_hosts`])
        .concat(['/home/ada', '/github/home'].map((home) => `${home}/.ssh/known_hosts2`)),
      newKeysFile: '/github/home/.ssh/known_hosts',
    },
  ],
  ['HostName WEB.Example', { host: 'web.example' }],
  ['HostName 127.1', { host: '127.0.0.1' }],
  ['HostName 2001:DB8:0::1', { host: '2001:db8::1' }],
  ['AddressFamily inet6\nBindAddress ::1', { addressFamily: 6, bindAddress: '::1' }],
  ['IdentitiesOnly true\nHostKeyAlias ALIAS', { identitiesOnly: true, hostKeyAlias: 'alias' }],
  ['CertificateFile /c', { notOffered: ["CertificateFile /c: the built-in client can't use it"] }],
  ['CanonicalizeHostname no # x\nRevokedHostKeys none\nCheckHostIP "no"\nGSSAPIAuthentication yes', { host: 'web' }],
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
  ['ProxyCommand nc %h %p\nProxyJump a', "config:1: ProxyCommand is set to 'nc %h %p', which is not supported"],
  ['CanonicalizeHostname yes', "config:1: CanonicalizeHostname is set to 'yes', which is not supported"],
  ['RevokedHostKeys /r', "RevokedHostKeys is set to '/r'"],
  ['KnownHostsCommand /k %H', "KnownHostsCommand is set to '/k %H'"],
  ['CheckHostIP yes', "CheckHostIP is set to 'yes'"],
  ['IdentityFile %C', "the token %C in '%C' is not supported"],
  [`IdentityFile ${KEYS.replace('KEYS', 'NOTHING')}/a`, 'the environment variable NOTHING is not set'],
  ['ConnectTimeout soon', "'soon' is not a duration"],
])('%j is refused', (text, why) => {
  expect(() => target(text)).toThrow(why);
});

test('a jump host given as an input goes before every other way', () => {
  expect(target('ProxyCommand nc %h %p', 'bastion').jumps).toEqual(['bastion']);
});

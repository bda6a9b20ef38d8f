import { describe, expect, it } from 'vitest';
import { certificateProblem, parseCertificate } from '../../../lib/ssh/certificate.ts';
import { masterWords, ownConfig, sessionWords } from '../../../lib/ssh/openssh-arguments.ts';
import { whyNotConnected } from '../../../lib/ssh/openssh-failures.ts';
import { readSshLog } from '../../../lib/ssh/openssh-log.ts';
import { parseSettings, settingOf } from '../../../lib/ssh/openssh-settings.ts';
import { parseSshVersion } from '../../../lib/ssh/openssh-version.ts';

describe('the version of ssh', () => {
  it.each([
    ['OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19', { version: { major: 9, minor: 2 } }],
    ['OpenSSH_10.0p2, OpenSSL 3.5.1', { version: { major: 10, minor: 0 } }],
    ['OpenSSH_8.4p1 Debian-5+deb11u3', { version: { major: 8, minor: 4 } }],
    ['OpenSSH_7.4p1', { unusable: 'the `ssh` of this runner is OpenSSH 7.4; 8.0 or later is needed' }],
    ['Dropbear v2022.83', { unusable: "the `ssh` of this runner is dropbear's client" }],
    ['Sun_SSH_2.4', { unusable: 'the `ssh` of this runner is not OpenSSH' }],
    [undefined, { unusable: 'there is no `ssh` on this runner' }],
  ])('is read from %j', (said, found) => {
    expect(parseSshVersion(said)).toEqual(found);
  });
});

const OWN = {
  version: { major: 9, minor: 2 },
  checking: 'yes' as const,
  knownHostsFile: '/t/known_hosts',
  agentSocket: '/t/agent',
  certificateFiles: [],
  connectTimeoutSeconds: undefined,
  keepaliveSeconds: 7,
  keepaliveMissed: undefined,
  runnerConfig: { files: ['/home/ada/.ssh/config'], usual: { identityFiles: [], knownHostsFiles: [] } },
};

describe('the config of a connection', () => {
  it('has the inputs before the config of the runner, and defaults after it', () => {
    const lines = ownConfig(OWN).split('\n');
    const included = lines.indexOf('Include "/home/ada/.ssh/config"');
    for (const line of ['ServerAliveInterval 7', 'UserKnownHostsFile "/t/known_hosts"', 'IdentityAgent "/t/agent"'])
      expect(lines.indexOf(line), line).toBeLessThan(included);
    expect(lines.indexOf('ConnectTimeout 15')).toBeGreaterThan(included);
    expect(lines).toContain('KnownHostsCommand none');
  });

  it('has only keywords that the version knows', () => {
    const old = ownConfig({ ...OWN, version: { major: 8, minor: 0 } });
    expect(old).not.toMatch(/KnownHostsCommand|SessionType|StdinNull|\^/);
  });

  it('leaves a command no way but through the connection that is there', () => {
    expect(sessionWords('/t/s', 'true')).toContain('ProxyCommand=false');
    const to = { host: 'web', user: 'ada', port: 22, proxyJump: 'bastion' };
    expect(masterWords('/t/c', '/t/s', to).slice(-7)).toEqual(
      ['-l', 'ada', '-p', '22', '-J', 'bastion', '--', 'web'].slice(-7),
    );
  });
});

it('settings of ssh -G are read with their values, and `none` is unset', () => {
  const settings = parseSettings(
    'user ada\r\nproxycommand nc %h %p\nidentityfile a\nidentityfile b\nrevokedhostkeys none\n',
  );
  expect(settings.get('identityfile')).toEqual(['a', 'b']);
  expect(settingOf(settings, 'proxycommand')).toBe('nc %h %p');
  expect(settingOf(settings, 'revokedhostkeys')).toBeUndefined();
});

/** What a connection failed with, by what ssh printed. */
function failureOf(text: string, more: Partial<Parameters<typeof whyNotConnected>[0]> = {}) {
  const { push, log } = readSshLog();
  push(`${text}\n`);
  return whyNotConnected({
    log,
    limitSeconds: 15,
    isLate: false,
    offeredLine: undefined,
    certificateNotes: [],
    ...more,
  });
}

const AUTHENTICATING = "debug1: Authenticating to web:22 as 'ada'\ndebug1: Server host key: ssh-ed25519 SHA256:abc\n";
const OFFERED = `${AUTHENTICATING}debug1: Offering public key: id ED25519 SHA256:k agent\n`;

describe('a failure of ssh', () => {
  it.each([
    ['ssh: connect to host web port 22: Connection refused', 'web port 22 refused the connection.', 'ECONNREFUSED'],
    ['ssh: connect to host web port 22: No route to host', 'there is no route to web port 22.', 'EHOSTUNREACH'],
    ['ssh: connect to host web port 22: Connection timed out', 'the host did not answer within 15 s.', 'ETIMEDOUT'],
    ['Connection timed out during banner exchange', 'the host did not answer within 15 s.', 'ETIMEDOUT'],
    ['ssh: Could not resolve hostname web: Name or service not known', "the name web can't be resolved.", 'ENOTFOUND'],
    [
      'ssh: Could not resolve hostname web: Temporary failure in name resolution',
      "the name web can't be resolved.",
      'EAI_AGAIN',
    ],
    [
      `${AUTHENTICATING}Connection reset by 10.0.0.1 port 22`,
      'web port 22 closed the connection before the login.',
      'ECONNRESET',
    ],
    [
      `${OFFERED}Connection closed by 10.0.0.1 port 22`,
      'web port 22 closed the connection during the login.',
      'ECONNRESET',
    ],
    [
      'debug1: Executing proxy command: exec nc\nkex_exchange_identification: Connection closed by remote host\nConnection closed by UNKNOWN port 65535',
      'the ProxyCommand, or the jump host, ended before the connection was there.',
      'ECONNRESET',
    ],
  ])('may be one of the network: %j', (text, why, code) => {
    expect(failureOf(text)).toMatchObject({ why, code });
  });

  it.each([
    [`${OFFERED}ada@web: Permission denied (publickey).`, 'the server accepts none of the keys offered for ada: id.'],
    [`${AUTHENTICATING}ada@web: Permission denied (publickey).`, 'there is no key to log in with.'],
    [`${AUTHENTICATING}ada@web: Permission denied (password).`, 'the server accepts no keys for ada, only password.'],
    [
      `${OFFERED}Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures`,
      'the server ended the login for ada after the first key (MaxAuthTries): id.',
    ],
    [
      'Unable to negotiate with 10.0.0.1 port 22: no matching cipher found. Their offer: aes128-cbc,3des-cbc',
      'no algorithm in common: no matching cipher. The server offers only aes128-cbc, 3des-cbc.',
    ],
    [
      `${AUTHENTICATING}@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nHost key verification failed.`,
      'its host key has changed: it offers ssh-ed25519 SHA256:abc, which is not the one known for it.',
    ],
    [
      `${AUTHENTICATING}No ED25519 host key is known for web and you have requested strict checking.\nHost key verification failed.`,
      'its host key is unknown: it offers ssh-ed25519 SHA256:abc.',
    ],
    [
      '/etc/ssh/ssh_config: line 3: Bad configuration option: foo',
      '/etc/ssh/ssh_config:3: Bad configuration option: foo.',
    ],
    [
      'Bad owner or permissions on /home/ada/.ssh/config',
      '/home/ada/.ssh/config may be written by others than its owner, or has another owner; ssh refuses it.',
    ],
    ['something new\u001b[31m', 'ssh ended: something new\\x1b[31m.'],
  ])('may need somebody: %j', (text, why) => {
    const failure = failureOf(text);
    expect(failure.why).toBe(why);
    expect(failure.code).toBeUndefined();
  });

  it('is late where nothing was printed before the limit', () => {
    expect(failureOf(OFFERED, { isLate: true }).why).toBe('web port 22 did not finish the login within 15 s.');
  });
});

describe('the log of ssh', () => {
  it('gives the shortest time of a question, which nothing was sent for', () => {
    let now = 0;
    const { push, log } = readSshLog(() => now);
    push('debug1: expecting SSH2_MSG_KEX_ECDH_REPLY\r\n');
    now = 30;
    push('debug1: SSH2_MSG_KEX_ECDH_REPLY received\r\ndebug1: Offering public key: id ED25519 SHA256:k agent\r\n');
    now = 33;
    push('debug1: Server accepts key: id ED25519 SHA256:k agent\r\n');
    expect(log.shortestMs).toBe(3);
  });

  it('keeps a bounded part of what a server makes it print', () => {
    const { push, log } = readSshLog();
    push(`${'x'.repeat(1e6)}\n${'y\n'.repeat(1000)}`);
    expect(log.sentences.length).toBeLessThanOrEqual(60);
    expect(Math.max(...log.sentences.map(({ length }) => length))).toBeLessThanOrEqual(2000);
  });
});

// ssh-keygen -s ca -I test -n ada,bob -V 20300101:20300201, of a throwaway key.
const LINE =
  'ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIHAA0LBmxV6CUXhxwfuMCLfHF0rYD2cz8mn6UGPnQqb8AAAAIM06oz7THohzCGeFTYqJyQFgZqTDcvImQiEsafBLaYwdAAAAAAAAAAAAAAABAAAABHRlc3QAAAAOAAAAA2FkYQAAAANib2IAAAAAcNvYgAAAAABxBLcAAAAAAAAAAIIAAAAVcGVybWl0LVgxMS1mb3J3YXJkaW5nAAAAAAAAABdwZXJtaXQtYWdlbnQtZm9yd2FyZGluZwAAAAAAAAAWcGVybWl0LXBvcnQtZm9yd2FyZGluZwAAAAAAAAAKcGVybWl0LXB0eQAAAAAAAAAOcGVybWl0LXVzZXItcmMAAAAAAAAAAAAAADMAAAALc3NoLWVkMjU1MTkAAAAg+G38ZD4TI9IcC4aAFfZNHD+9bK4JVZcoDTsOUZg1na0AAABTAAAAC3NzaC1lZDI1NTE5AAAAQAEi++dAaKE4TT2nhM5Qwt9F9uie35JBLhP04U/h11/4Si+K1MdkG91L9vcElW/rSDktDzXM6hUpb5+v3uF/Awo=';

describe('a certificate', () => {
  it('is read, with what may be wrong with it', () => {
    const certificate = parseCertificate(LINE);
    expect(certificate).toMatchObject({ isForUsers: true, principals: ['ada', 'bob'] });
    if (!certificate) return;
    const problem = (user: string, date: string) =>
      certificateProblem(certificate, { user, nowSeconds: Date.parse(date) / 1000 });
    expect(problem('ada', '2030-01-15')).toBeUndefined();
    expect(problem('eve', '2030-01-15')).toMatch(/^it is for ada, bob, not for eve/);
    expect(problem('ada', '2030-03-01')).toMatch(/^it expired at 2030-0/);
    expect(problem('ada', '2029-12-01')).toMatch(/^it is valid from /);
  });

  it('that is cut off, or a key, is none', () => {
    expect(parseCertificate(LINE.slice(0, 200))).toBeUndefined();
    expect(parseCertificate('ssh-ed25519 AAAA')).toBeUndefined();
    expect(parseCertificate('')).toBeUndefined();
  });
});

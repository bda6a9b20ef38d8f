import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Authority, authority } from '../../support/ca.ts';
import { agentWith, dryRun, failureOf, type LoginInputs, newKey } from '../../support/login.ts';
import { otherServer } from '../../support/ssh-server.ts';
import { type Sshd, sshd } from '../../support/sshd.ts';

/** Over the runner's ssh. */
function login(server: Pick<Sshd, 'port' | 'knownHosts' | 'key'>, inputs: LoginInputs = {}, env = {}) {
  return dryRun(server, { transport: 'openssh', ...inputs }, env);
}

describe('host keys over OpenSSH', () => {
  it('that are unknown fail, and the line to paste makes the next run work', async () => {
    await using server = await sshd();
    const message = failureOf(await login(server, { 'known-hosts': '# nothing' }));
    expect(message).toContain(
      `Connecting on root@127.0.0.1:${server.port} failed.\n  why:    its host key is unknown: it offers ssh-ed25519 SHA256:`,
    );
    expect(message).toContain(`\n          ${server.knownHosts}\n`);
    expect((await login(server)).log).toContain('dry-run is set');
  });

  it('that changed, or are revoked, fail also with accept-new', async () => {
    await using server = await sshd();
    await using other = await sshd();
    const known = other.knownHosts.replace(String(other.port), String(server.port));
    for (const checking of ['strict', 'accept-new']) {
      const { log } = await login(server, { 'known-hosts': known, 'host-key-checking': checking });
      expect(log).toMatch(/why: {4}its host key has changed: it offers ssh-ed25519 SHA256:\S+, which is not/);
    }
    const revoked = `@revoked * ${server.knownHosts.split(' ').slice(1).join(' ')}\n${server.knownHosts}`;
    expect((await login(server, { 'known-hosts': revoked })).log).toContain('its host key is marked as revoked');
  });

  it('that are new are accepted with a warning, and with insecure any', async () => {
    await using server = await sshd();
    const first = await login(server, { 'known-hosts': '# nothing', 'host-key-checking': 'accept-new' });
    expect(first.log).toMatch(
      /Warning: New host key of \[127\.0\.0\.1\]:\d+ \(ED25519\) accepted .*: ssh-ed25519 SHA256:/,
    );
    expect(first.code).toBe(0);
    const any = await login(server, { 'known-hosts': '# nothing', 'host-key-checking': 'insecure' });
    expect(any.log).toMatch(
      /Warning: The host key of \S+ was not checked \(host-key-checking: insecure\): ssh-ed25519/,
    );
  });

  it('that are new are remembered where the SSH config says, which decides without the input', async () => {
    await using server = await sshd();
    const [config, known] = [`${server.folder}/config`, `${server.folder}/known`];
    writeFileSync(config, `StrictHostKeyChecking no\nUserKnownHostsFile ${known}\n`);
    const inputs = { 'known-hosts': undefined, 'ssh-config': config };
    const first = await login(server, inputs);
    expect(first.log).toContain('sets StrictHostKeyChecking no for 127.0.0.1: treated as accept-new');
    expect(first.log).toContain('Warning: New host key of');
    expect((await login(server, { ...inputs, 'host-key-checking': 'strict' })).code).toBe(0);
    writeFileSync(known, readFileSync(known, 'utf8').replace(/AAAA.*$/m, newKeyBlob(`${server.folder}/other`)));
    expect((await login(server, inputs)).log).toContain('its host key has changed');
  });
});

function newKeyBlob(file: string): string {
  newKey(file);
  return readFileSync(`${file}.pub`, 'utf8').split(' ')[1] ?? '';
}

describe('keys over OpenSSH', () => {
  it('of every kind log in, encrypted too, and several are tried on every hop', async () => {
    await using jump = await sshd();
    await using server = await sshd();
    const file = `${server.folder}/rsa`;
    execFileSync('ssh-keygen', ['-q', '-t', 'rsa', '-b', '2048', '-m', 'PEM', '-N', 'secret', '-f', file]);
    writeFileSync(`${server.folder}/authorized_keys`, readFileSync(`${file}.pub`));
    const { log } = await login(server, {
      'ssh-key': `${jump.key}\n${readFileSync(file, 'utf8')}`,
      'ssh-key-passphrase': 'secret',
      'proxy-jump': `root@127.0.0.1:${jump.port}`,
      'known-hosts': `${jump.knownHosts}\n${server.knownHosts}`,
    });
    expect(log).toContain('dry-run is set');
    expect([jump.logins(), server.logins()]).toEqual([1, 1]);
  });

  it('that are wrong are named with the account, also where the runner has a right one', async () => {
    await using server = await sshd();
    const wrong = newKey(`${server.folder}/other`);
    expect(failureOf(await login(server, { 'ssh-key': wrong }))).toContain(
      `Connecting on root@127.0.0.1:${server.port} failed.
  why:    the server accepts none of the keys offered for root: ssh-key.
  state:  untouched. Nothing on the target was changed.
  do:     add the public key to ~/.ssh/authorized_keys of root there, or correct user and ssh-key.
  output: | root@127.0.0.1: Permission denied (publickey`,
    );
    const config = `${server.folder}/config`;
    writeFileSync(config, `IdentityFile ${server.keyFile}\n`);
    const { log } = await login(server, { 'ssh-key': wrong, 'ssh-config': config });
    expect(log).toContain('accepts none of the keys of ssh-key (2 were offered); it would accept');
  });

  it('of the runner are used without ssh-key, and the one that was accepted is named', async () => {
    await using server = await sshd();
    const home = `${server.folder}/home`;
    mkdirSync(`${home}/.ssh`, { recursive: true });
    writeFileSync(`${home}/.ssh/id_ed25519`, server.key, { mode: 0o600 });
    const { log } = await login(server, { 'ssh-key': '' }, { HOME: home });
    expect(log).toContain(
      `Logged in to root@127.0.0.1:${server.port} with ${home}/.ssh/id_ed25519; ssh-key is not set.`,
    );
  });

  it('that are seven in an agent are too many, unless the SSH config names the right one', async () => {
    await using server = await sshd();
    const others = [1, 2, 3, 4, 5, 6].map((number) => `${server.folder}/other${number}`);
    for (const other of others) newKey(other);
    const socket = `${server.folder}/agent`;
    using _agent = await agentWith(socket, [...others, server.keyFile]);
    const [env, config] = [{ SSH_AUTH_SOCK: socket }, `${server.folder}/config`];
    const tooMany = await login(server, { 'ssh-key': undefined }, env);
    expect(tooMany.log).toMatch(/the server ended the login for root after 6 keys \(MaxAuthTries\): /);
    writeFileSync(config, `IdentitiesOnly yes\nIdentityFile ${server.keyFile}.pub\n`);
    expect((await login(server, { 'ssh-key': undefined, 'ssh-config': config }, env)).log).toContain('dry-run is set');
  });

  it('that are accepted, with a second factor wanted besides, are reported as accepted', async () => {
    const config = 'AuthenticationMethods publickey,keyboard-interactive\nKbdInteractiveAuthentication yes\nUsePAM yes';
    await using server = await sshd({ config });
    expect((await login(server)).log).toContain(
      'the server accepted the key (ssh-key) and wants a second factor besides: keyboard-interactive',
    );
  });

  it('are not needed by a server that lets in without any', async () => {
    await using server = await otherServer({
      software: 'Tailscale',
      accepts: (method) => method === 'none' || 'hang up',
    });
    await using keys = await sshd();
    expect((await login({ ...server, key: keys.key })).log).toContain('dry-run is set');
  });
});

describe('certificates', () => {
  it('for ssh-key log in where the server trusts only their authority', async () => {
    await using server = await trusting();
    const { log, code } = await dryRun(server, { 'ssh-certificate': server.certificate({ principals: 'root' }) });
    expect(log).toContain("Connecting with the runner's OpenSSH");
    expect(log).toContain('because `ssh-certificate` is set.');
    expect(code).toBe(0);
  });

  it('that expired, are for another account or of a host are refused with what is wrong', async () => {
    await using server = await trusting();
    const cases = [
      [{ principals: 'root', valid: '20200101:20200102' }, 'it expired at 2020-01-0'],
      [{ principals: 'ada,bob' }, 'it is for ada, bob, not for root (AuthorizedPrincipalsFile there may map them)'],
      [{ principals: 'root', host: true }, 'it is a host certificate; one for users is needed'],
    ] as const;
    for (const [given, why] of cases) {
      const { log } = await dryRun(server, { 'ssh-certificate': server.certificate(given) });
      expect(log).toContain(`Of the certificate: ${why}`);
    }
  });

  it('that are not one, or for another key, are refused before anything is sent', async () => {
    await using server = await trusting();
    newKey(`${server.folder}/other`);
    const other = readFileSync(server.ca.sign(`${server.folder}/other`, { principals: 'root' }), 'utf8');
    expect((await dryRun(server, { 'ssh-certificate': 'ssh-ed25519 AAAA' })).log).toContain(
      'Reading ssh-certificate failed.\n  why:    it is not an OpenSSH certificate.',
    );
    const { log } = await dryRun(server, { 'ssh-certificate': other });
    expect(log).toMatch(/it is for the key SHA256:\S+, which is not one of ssh-key\./);
    expect((await dryRun(server, { 'ssh-certificate': other, transport: 'builtin' })).log).toContain(
      'the built-in client knows no certificates',
    );
  });

  it('beside a key of the runner make auto take OpenSSH', async () => {
    await using server = await trusting();
    const home = `${server.folder}/home`;
    mkdirSync(`${home}/.ssh`, { recursive: true });
    writeFileSync(`${home}/.ssh/id_ed25519`, server.key, { mode: 0o600 });
    writeFileSync(`${home}/.ssh/id_ed25519-cert.pub`, server.certificate({ principals: 'root' }));
    const { log } = await dryRun(server, { 'ssh-key': undefined }, { HOME: home });
    expect(log).toContain(`because ${home}/.ssh/id_ed25519-cert.pub is a certificate.`);
    expect(log).toContain('dry-run is set');
  });

  it('of hosts are checked by @cert-authority: good ones, expired ones and those for another name', async () => {
    await using server = await sshd();
    const ca = authority(server.folder);
    const known = `@cert-authority [127.0.0.1]:${server.port} ${ca.publicKey}`;
    appendFileSync(`${server.folder}/sshd_config`, `HostCertificate ${server.folder}/host_ed25519-cert.pub\n`);
    const loginWith = async (given: { principals: string; valid?: string }) => {
      ca.sign(`${server.folder}/host_ed25519`, { ...given, host: true });
      const ended = once(server.process, 'exit');
      server.process.kill();
      await ended;
      await server.restart();
      return (await dryRun(server, { 'known-hosts': known })).log;
    };
    const good = await loginWith({ principals: '127.0.0.1' });
    expect(good).toContain('because the host is known by a certificate authority alone (@cert-authority).');
    expect(good).toContain('dry-run is set');
    const expired = await loginWith({ principals: '127.0.0.1', valid: '20200101:20200102' });
    expect(expired).toMatch(/its host certificate is not valid: .*expired/i);
    expect(await loginWith({ principals: 'elsewhere' })).toMatch(/its host certificate is not valid: .*principal/i);
  });
});

/** A server that trusts an authority and no key. */
async function trusting(): Promise<
  Sshd & { ca: Authority; certificate: (given: Parameters<Authority['sign']>[1]) => string }
> {
  const folder = execFileSync('mktemp', ['-d', '/tmp/fdt-ca-XXXXXX'], { encoding: 'utf8' }).trim();
  chmodSync(folder, 0o755);
  const ca = authority(folder);
  const server = await sshd({ config: `TrustedUserCAKeys ${ca.publicKeyFile}` });
  writeFileSync(`${server.folder}/authorized_keys`, '');
  const certificate: (given: Parameters<Authority['sign']>[1]) => string = (given) =>
    readFileSync(ca.sign(server.keyFile, given), 'utf8');
  return Object.assign(server, { ca, certificate });
}

import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { authority } from '../../support/ca.ts';
import { agentWith, dryRun, failureOf, newKey } from '../../support/login.ts';
import { type Sshd, sshd } from '../../support/sshd.ts';

const CHOSEN = /Connecting with the runner's OpenSSH \d+\.\d+, because (.*)\./;

/** A config for the host `prod`, and the path of the file. */
function configFor({ folder, port }: Sshd, ...lines: string[]): string {
  const host = ['Host prod', 'HostName 127.0.0.1', `Port ${port}`, 'User root', ...lines];
  writeFileSync(`${folder}/config`, `${host.join('\n  ')}\n`);
  return `${folder}/config`;
}

/** A PATH whose only program is `ssh`, or where there is none. */
function pathWith(folder: string, ssh?: string): { PATH: string } {
  mkdirSync(`${folder}/programs`);
  if (ssh) symlinkSync(ssh, `${folder}/programs/ssh`);
  return { PATH: `${folder}/programs` };
}

describe('auto takes the built-in client', () => {
  it('where the SSH config needs nothing else', async () => {
    await using server = await sshd();
    const { log } = await dryRun(server, { host: 'prod', 'ssh-config': configFor(server, 'Compression yes') });
    expect(log).toContain('dry-run is set');
    expect(log).not.toMatch(CHOSEN);
  });

  it('also on a runner without ssh', async () => {
    await using server = await sshd();
    const { log } = await dryRun(server, {}, pathWith(server.folder));
    expect(log).toContain('dry-run is set');
  });
});

describe("auto takes the runner's OpenSSH, and says why", () => {
  it('for a ProxyCommand, here through a second server', async () => {
    await using jump = await sshd();
    await using server = await sshd();
    writeFileSync(`${jump.folder}/known`, `${jump.knownHosts}\n`);
    const way = `ssh -F none -i ${jump.keyFile} -o UserKnownHostsFile=${jump.folder}/known -p ${jump.port} -W %h:%p root@127.0.0.1`;
    const config = configFor(server, `ProxyCommand ${way}`);
    const { log } = await dryRun(server, { host: 'prod', 'ssh-config': config });
    expect(CHOSEN.exec(log)?.[1]).toBe(`${config}:5: ProxyCommand is set to '${way}'`);
    expect(log).toContain(`root@127.0.0.1:${server.port}`);
    expect(log).toContain('dry-run is set');
    expect([jump.logins(), server.logins()]).toEqual([1, 1]);
  });

  it.each([
    [
      'Match exec',
      (server: Sshd) => [`Match originalhost prod exec true\n  HostName 127.0.0.1\n  Port ${server.port}`],
    ],
    ['CanonicalizeHostname', () => ['CanonicalizeHostname yes', 'CanonicalDomains example.org']],
    ['RevokedHostKeys', ({ folder }: Sshd) => [`RevokedHostKeys ${folder}/revoked`]],
  ])('for %s', async (name, lines) => {
    await using server = await sshd();
    writeFileSync(`${server.folder}/revoked`, '');
    const inputs = { host: 'prod', 'ssh-config': configFor(server, ...lines(server)) };
    const { log } = await dryRun(server, inputs);
    expect(CHOSEN.exec(log)?.[1]).toContain(name);
    expect(log).toContain('dry-run is set');
    expect((await dryRun(server, { ...inputs, transport: 'builtin' })).log).toMatch(
      new RegExp(`why: {4}\\S+: ${name} .*not supported`),
    );
  });

  it('for what only the config of a jump host needs', async () => {
    await using jump = await sshd();
    await using server = await sshd();
    writeFileSync(`${server.folder}/revoked`, '');
    const config = configFor(server, 'ProxyJump inner');
    const inner = ['Host inner', 'HostName 127.0.0.1', `Port ${jump.port}`, 'User root'];
    appendFileSync(config, [...inner, `RevokedHostKeys ${server.folder}/revoked`, ''].join('\n'));
    const { log } = await dryRun(server, {
      host: 'prod',
      'ssh-config': config,
      'ssh-key': `${jump.key}\n${server.key}`,
      'known-hosts': `${jump.knownHosts}\n${server.knownHosts}`,
    });
    expect(CHOSEN.exec(log)?.[1]).toContain('RevokedHostKeys');
    expect(log).toContain('dry-run is set');
    expect([jump.logins(), server.logins()]).toEqual([1, 1]);
  });

  it('for KnownHostsCommand, which gives the key', async () => {
    await using server = await sshd();
    writeFileSync(`${server.folder}/known`, `${server.knownHosts}\n`);
    const config = configFor(server, `KnownHostsCommand /bin/cat ${server.folder}/known`, 'UserKnownHostsFile none');
    const { log } = await dryRun(server, { host: 'prod', 'ssh-config': config, 'known-hosts': undefined });
    expect(CHOSEN.exec(log)?.[1]).toContain('KnownHostsCommand');
    expect(log).toContain('dry-run is set');
  });

  it.each([
    ['an algorithm', () => 'KexAlgorithms sntrup761x25519-sha512@openssh.com'],
    ['a banner', (folder: string) => `Banner ${folder}/banner`],
  ])('for %s that only OpenSSH can take', async (_, config) => {
    await using first = await sshd();
    writeFileSync(`${first.folder}/banner`, 'No trespassing.\n'.repeat(2500));
    await using server = await sshd({ config: config(first.folder) });
    const { log } = await dryRun(server);
    expect(log).toContain("Connecting with the runner's OpenSSH, because the built-in client can't: ");
    expect(log).toContain('dry-run is set');
  });

  it('for a security key, whose refusal is shown', async () => {
    await using server = await sshd();
    const key = securityKey();
    writeFileSync(`${server.folder}/id_sk`, key.private, { mode: 0o600 });
    writeFileSync(`${server.folder}/authorized_keys`, `${key.public}\n`);
    const config = configFor(server, `IdentityFile ${server.folder}/id_sk`);
    const { log } = await dryRun(server, { host: 'prod', 'ssh-config': config, 'ssh-key': undefined });
    expect(CHOSEN.exec(log)?.[1]).toBe(`${server.folder}/id_sk belongs to a security key`);
    expect(log).toMatch(/accepts none of the keys offered for root: .*id_sk\. sign_and_send_pubkey: signing failed/);
  });

  it('for a certificate in an agent', async () => {
    await using server = await sshd();
    const ca = authority(server.folder);
    ca.sign(server.keyFile, { principals: 'root' });
    const socket = `${server.folder}/agent`;
    using _agent = await agentWith(socket, [server.keyFile]);
    const { log } = await dryRun(server, { 'ssh-key': undefined }, { SSH_AUTH_SOCK: socket });
    expect(CHOSEN.exec(log)?.[1]).toContain('the agent holds a certificate');
    expect(log).toContain('dry-run is set');
  });
});

describe('without an OpenSSH on the runner', () => {
  it('what needs it fails, and names the feature and the remedy', async () => {
    await using server = await sshd();
    const config = configFor(server, 'ProxyCommand nc %h %p');
    const inputs = { host: 'prod', 'ssh-config': config };
    expect(failureOf(await dryRun(server, inputs, pathWith(server.folder)))).toBe(
      `Connecting to prod failed.
  why:    ${config}:5: ProxyCommand is set to 'nc %h %p', and there is no \`ssh\` on this runner.
  state:  untouched. Nothing on the target was changed.
  do:     install OpenSSH 8.0 or later where the job runs (openssh-client), or: use ProxyJump there, or the input proxy-jump.`,
    );
  });

  it('`transport: openssh` fails, and dropbear is not taken for one', async () => {
    await using server = await sshd();
    const env = pathWith(server.folder, '/usr/bin/dbclient');
    const { log } = await dryRun(server, { transport: 'openssh' }, env);
    expect(log).toContain("`transport: openssh` needs OpenSSH, and the `ssh` of this runner is dropbear's client.");
    expect((await dryRun(server, {}, env)).log).toContain('dry-run is set');
  });
});

it('a mistake in the config is reported, by whichever client', async () => {
  await using server = await sshd();
  const config = configFor(server, 'Port many');
  for (const transport of ['auto', 'builtin', 'openssh']) {
    const { log } = await dryRun(server, { host: 'prod', 'ssh-config': config, transport });
    expect(log, transport).toMatch(/why: {4}.*config:5: .*/);
  }
});

it('keys that are tried for nothing do not stand in the way of ssh-key', async () => {
  await using server = await sshd({ config: 'MaxAuthTries 2' });
  const config = `${server.folder}/config`;
  const others = ['a', 'b', 'c'].map((name) => `${server.folder}/${name}`);
  for (const other of others) newKey(other);
  writeFileSync(config, others.map((other) => `IdentityFile ${other}\n`).join(''));
  for (const transport of ['builtin', 'openssh'])
    expect((await dryRun(server, { transport, 'ssh-config': config })).log).toContain('dry-run is set');
});

/** The handle of a security key that nobody has. */
function securityKey(): { private: string; public: string } {
  const text = (content: string | Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(Buffer.byteLength(content));
    return Buffer.concat([length, Buffer.from(content as string)]);
  };
  const type = 'sk-ssh-ed25519@openssh.com';
  const publicBlob = Buffer.concat([text(type), text(randomBytes(32)), text('ssh:')]);
  const secret = Buffer.concat([
    Buffer.alloc(8),
    publicBlob,
    Buffer.from([1]),
    text('handle'.repeat(8)),
    text(''),
    text('nobody'),
  ]);
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, index) => index + 1));
  const blob = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    text('none'),
    text('none'),
    text(''),
    Buffer.from([0, 0, 0, 1]),
    text(publicBlob),
    text(Buffer.concat([secret, padding])),
  ]);
  const lines = blob.toString('base64').match(/.{1,70}/g) ?? [];
  return {
    private: `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join('\n')}\n-----END OPENSSH PRIVATE KEY-----\n`,
    public: `${type} ${publicBlob.toString('base64')}`,
  };
}

import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { type Step, step } from '../../support/action.ts';
import { proxy } from '../../support/proxy.ts';
import { freePort, type Sshd, sshd } from '../../support/sshd.ts';

/** A dry run that only looks at the target: enough to log in. */
function login(
  server: Sshd,
  inputs: Record<string, string | number | undefined> = {},
  env: Record<string, string> = {},
): Promise<Step> {
  return step('deploy-binary', { inputs: { ...loginInputs(server), ...inputs }, env });
}

function loginInputs(server: Sshd) {
  return {
    host: `root@127.0.0.1:${server.port}`,
    'ssh-key': server.key,
    'known-hosts': server.knownHosts,
    source: '/bin/true',
    destination: '/usr/local/bin/fdt-login-test',
    'dry-run': 'true',
  };
}

function failure({ log }: Step): string {
  return log.slice(log.indexOf('Error: ') + 'Error: '.length).trim();
}

describe('keys', () => {
  it.each([
    ['ed25519', []],
    ['ecdsa', ['-b', '256']],
    ['rsa', ['-b', '2048']],
    ['rsa', ['-b', '2048', '-m', 'PEM']],
    ['ecdsa', ['-b', '384', '-m', 'PKCS8']],
  ])('%s %j logs in, also encrypted', async (type, extra) => {
    await using server = await sshd();
    for (const passphrase of ['', "it's secret"]) {
      const file = `${server.folder}/key-${passphrase.length}`;
      execFileSync('ssh-keygen', ['-q', '-t', type, ...extra, '-N', passphrase, '-f', file]);
      writeFileSync(`${server.folder}/authorized_keys`, readFileSync(`${file}.pub`));
      const { log, code } = await login(server, {
        'ssh-key': readFileSync(file, 'utf8'),
        'ssh-key-passphrase': passphrase,
      });
      expect(log).toContain('dry-run is set');
      expect(code).toBe(0);
    }
  });

  it('survives Windows line ends, indentation and a missing last newline', async () => {
    await using server = await sshd();
    const bent = server.key
      .trim()
      .split('\n')
      .map((line) => `  ${line}`)
      .join('\r\n');
    expect((await login(server, { 'ssh-key': bent })).code).toBe(0);
  });

  it('that is wrong is reported with the account it was offered for', async () => {
    await using server = await sshd();
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', `${server.folder}/other`]);
    expect(failure(await login(server, { 'ssh-key': readFileSync(`${server.folder}/other`, 'utf8') }))).toBe(
      `Connecting on root@127.0.0.1:${server.port} failed.
  why:    the server accepts none of the keys offered for root: ssh-key.
  state:  untouched. Nothing on the target was changed.
  do:     add the public key to ~/.ssh/authorized_keys of root there, or correct user and ssh-key.`,
    );
    // The first one was the test's own look whether the server is up.
    expect(server.log().match(/Connection from/g)).toHaveLength(2);
  });

  it.each([
    ['wrong', 'its passphrase is wrong.'],
    ['', 'it is encrypted, and no passphrase is given (ssh-key-passphrase).'],
  ])('with the passphrase "%s" is refused', async (given, why) => {
    await using server = await sshd();
    for (const format of [[], ['-m', 'PEM']]) {
      const file = `${server.folder}/encrypted${format.length}`;
      execFileSync('ssh-keygen', ['-q', '-t', format.length ? 'rsa' : 'ed25519', ...format, '-N', 'right', '-f', file]);
      expect(
        failure(await login(server, { 'ssh-key': readFileSync(file, 'utf8'), 'ssh-key-passphrase': given })),
      ).toContain(`Reading ssh-key failed.\n  why:    ${why}`);
    }
  });

  it('that is a public one, or none at all, is refused', async () => {
    await using server = await sshd();
    expect(failure(await login(server, { 'ssh-key': readFileSync(`${server.keyFile}.pub`, 'utf8') }))).toContain(
      'why:    it is a public key; the private one is needed.',
    );
    expect(failure(await login(server, { 'ssh-key': 'not a key' }))).toContain(
      'why:    it is not a private key in a known format (OpenSSH, PEM).',
    );
    expect(failure(await login(server, { 'ssh-key': undefined }))).toContain('why:    there is no key to log in with.');
  });

  it('of an agent are used', async () => {
    await using server = await sshd();
    const socket = `${server.folder}/agent`;
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    try {
      await vi.waitFor(() => expect(existsSync(socket)).toBe(true), 10_000);
      execFileSync('ssh-add', ['-q', server.keyFile], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
      expect((await login(server, { 'ssh-key': undefined }, { SSH_AUTH_SOCK: socket })).code).toBe(0);
    } finally {
      agent.kill();
    }
  });

  it('of an agent are used with IdentitiesOnly where a file names them, and no others', async () => {
    await using server = await sshd({ config: 'MaxAuthTries 2' });
    const socket = `${server.folder}/agent`;
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    const env = { SSH_AUTH_SOCK: socket };
    try {
      await vi.waitFor(() => expect(existsSync(socket)).toBe(true), 10_000);
      const others = ['a', 'b', 'c'].map((name) => `${server.folder}/${name}`);
      for (const other of others) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', other]);
      execFileSync('ssh-add', ['-q', ...others, server.keyFile], { env: { ...process.env, ...env } });
      const config = `${server.folder}/config`;
      const asked = { 'ssh-key': undefined, 'ssh-config': config };
      writeFileSync(config, `IdentitiesOnly yes\nIdentityFile ${server.keyFile}.pub\n`);
      expect((await login(server, asked, env)).log).toContain('dry-run is set');
      // Encrypted, with its passphrase known to the agent alone.
      execFileSync('ssh-keygen', ['-q', '-p', '-N', 'secret', '-f', server.keyFile]);
      writeFileSync(config, `IdentitiesOnly yes\nIdentityFile ${server.keyFile}\n`);
      expect((await login(server, asked, env)).log).toContain('dry-run is set');
      writeFileSync(config, `IdentitiesOnly yes\nIdentityFile ${others[0]}.pub\n`);
      expect(failure(await login(server, asked, env))).toContain('accepts none of the keys offered for root: agent');
    } finally {
      agent.kill();
    }
  });
});

describe('host keys', () => {
  it('that are unknown fail, and the line to paste makes the next run work', async () => {
    await using server = await sshd();
    const message = failure(await login(server, { 'known-hosts': '# nothing' }));
    expect(message).toContain(
      `Connecting on root@127.0.0.1:${server.port} failed.\n  why:    its host key is unknown: it offers ssh-ed25519 SHA256:`,
    );
    const line = message.split('\n').at(-1)?.trim();
    expect(line).toBe(server.knownHosts);
    expect((await login(server, { 'known-hosts': line })).code).toBe(0);
  });

  it('that changed fail, also with accept-new', async () => {
    await using server = await sshd();
    await using other = await sshd();
    const known = other.knownHosts.replace(String(other.port), String(server.port));
    for (const checking of ['strict', 'accept-new']) {
      expect(failure(await login(server, { 'known-hosts': known, 'host-key-checking': checking }))).toMatch(
        /why: {4}its host key has changed: it offers ssh-ed25519 SHA256:\S+, which is not the one known for it\./,
      );
    }
  });

  it('are found hashed, by pattern, negated, revoked, and by the type that is known', async () => {
    await using server = await sshd({ hostKeyTypes: ['ed25519', 'rsa', 'ecdsa'] });
    const [ed25519 = '', rsa = '', ecdsa = ''] = server.knownHosts
      .split('\n')
      .map((line) => line.split(' ').slice(1).join(' '));
    const name = `[127.0.0.1]:${server.port}`;
    writeFileSync(`${server.folder}/hashed`, `${name} ${ed25519}\n`);
    execFileSync('ssh-keygen', ['-q', '-H', '-f', `${server.folder}/hashed`], { stdio: 'ignore' });
    const accepted = [
      readFileSync(`${server.folder}/hashed`, 'utf8'),
      `[127.0.0.*]:${server.port} ${rsa}`,
      `other,${name} ${ecdsa}`,
      `127.0.0.1 ${ed25519}`,
    ];
    for (const known of accepted)
      expect((await login(server, { 'known-hosts': known })).log).toContain('dry-run is set');
    const revoked = await login(server, { 'known-hosts': `@revoked * ${ed25519}\n${name} ${ed25519}` });
    expect(failure(revoked)).toContain('its host key is marked as revoked');
    const negated = await login(server, { 'known-hosts': `*,![127.0.0.1]:${server.port},!127.0.0.1 ${ed25519}` });
    expect(failure(negated)).toContain('its host key is unknown');
    const authority = await login(server, { 'known-hosts': `@cert-authority * ${ed25519}`, transport: 'builtin' });
    expect(failure(authority)).toContain(
      'known only through a certificate authority (@cert-authority), which is not supported',
    );
  });

  it('that are new are accepted loudly and remembered with accept-new, and checked from then on', async () => {
    await using server = await sshd();
    const home = `${server.folder}/home`;
    mkdirSync(home);
    const first = await login(server, { 'known-hosts': undefined, 'host-key-checking': 'accept-new' }, { HOME: home });
    expect(first.log).toContain(
      `Warning: New host key of root@127.0.0.1:${server.port} accepted (host-key-checking: accept-new): ${server.knownHosts}`,
    );
    expect((await login(server, { 'known-hosts': undefined }, { HOME: home })).code).toBe(0);
  });

  it('that are new are remembered also in a file whose last line has no end', async () => {
    await using server = await sshd();
    await using other = await sshd();
    const home = `${server.folder}/home`;
    mkdirSync(`${home}/.ssh`, { recursive: true });
    writeFileSync(`${home}/.ssh/known_hosts`, other.knownHosts);
    await login(server, { 'known-hosts': undefined, 'host-key-checking': 'accept-new' }, { HOME: home });
    const [first, second] = readFileSync(`${home}/.ssh/known_hosts`, 'utf8').trimEnd().split('\n');
    expect(first).toBe(other.knownHosts);
    // HashKnownHosts of the runner's own config decides whether the name can be read.
    expect(second?.split(' ').slice(1)).toEqual(server.knownHosts.split(' ').slice(1));
    const found = execFileSync('ssh-keygen', ['-F', `[127.0.0.1]:${server.port}`, '-f', `${home}/.ssh/known_hosts`]);
    expect(String(found)).toContain(second);
  });
});

it('a runner whose account has no name logs in as the one that host names', async () => {
  await using server = await sshd();
  copyFileSync('.cache/bundles/deploy-binary.cjs', `${server.folder}/deploy-binary.cjs`);
  // A shell would drop variables with a hyphen in their names.
  const number = `exec qw(setpriv --reuid=54329 --regid=54329 --clear-groups ${process.execPath}), @ARGV;`;
  writeFileSync(`${server.folder}/node`, `#!/usr/bin/perl\n${number}\n`, { mode: 0o755 });
  const { log } = await step('deploy-binary', {
    node: `${server.folder}/node`,
    bundles: `${server.folder}/`,
    inputs: loginInputs(server),
    env: { GITHUB_OUTPUT: '', GITHUB_STATE: '', GITHUB_STEP_SUMMARY: '', HOME: '/' },
  });
  expect(log).toContain('dry-run is set');
});

describe('the SSH config', () => {
  it('gives an alias its address, port, account, key and known hosts, through Include and Match', async () => {
    await using server = await sshd();
    const home = `${server.folder}/home`;
    mkdirSync(`${home}/.ssh/conf.d`, { recursive: true });
    writeFileSync(`${home}/.ssh/known`, `production ${server.knownHosts.split(' ').slice(1).join(' ')}\n`);
    writeFileSync(`${home}/.ssh/config`, 'Include conf.d/*.conf\nHost *\n  User nobody\n');
    writeFileSync(
      `${home}/.ssh/conf.d/a.conf`,
      `Host prod* !prod-2\n  HostName 127.0.0.1\n  Port=${server.port}\n  IdentityFile "${server.keyFile}"\nMatch host 127.0.0.1\n  User root\n  HostKeyAlias production\n  UserKnownHostsFile ~/.ssh/known\n`,
    );
    const { log, code } = await login(
      server,
      { host: 'production', 'ssh-key': undefined, 'known-hosts': undefined },
      { HOME: home },
    );
    expect(log).toContain(`root@127.0.0.1:${server.port}`);
    expect(code).toBe(0);
  });

  it('that needs what the built-in client can not do is an error that names the line', async () => {
    await using server = await sshd();
    const config = `${server.folder}/config`;
    const builtin = { 'ssh-config': config, transport: 'builtin' };
    writeFileSync(config, 'Host *\n  ProxyCommand nc %h %p\n');
    expect(failure(await login(server, builtin))).toContain(
      `why:    ${config}:2: ProxyCommand is set to 'nc %h %p', which is not supported.`,
    );
    writeFileSync(config, '\nMatch exec "true"\n  User root\n');
    expect(failure(await login(server, builtin))).toContain(`why:    ${config}:2: Match exec is not supported.`);
    expect(failure(await login(server, { 'ssh-config': '/nowhere' }))).toContain(
      'why:    there is no readable file /nowhere on the runner.',
    );
  });
});

describe('a jump host', () => {
  it('is passed, with the keys of both checked', async () => {
    await using jump = await sshd();
    await using server = await sshd();
    writeFileSync(`${jump.folder}/authorized_keys`, readFileSync(`${server.keyFile}.pub`));
    const inputs = {
      'proxy-jump': `root@127.0.0.1:${jump.port}`,
      'known-hosts': `${jump.knownHosts}\n${server.knownHosts}`,
    };
    const good = await login(server, inputs);
    expect(good.log).toContain('dry-run is set');
    expect([jump.logins(), server.logins()]).toEqual([1, 1]);
    const unknown = await login(server, { ...inputs, 'known-hosts': server.knownHosts });
    expect(failure(unknown)).toContain(
      `Connecting on root@127.0.0.1:${jump.port} failed.\n  why:    its host key is unknown`,
    );
  });

  it('may have one of its own in the SSH config, and be named there for every host', async () => {
    await using outer = await sshd();
    await using inner = await sshd();
    await using server = await sshd();
    for (const { folder } of [outer, inner])
      writeFileSync(`${folder}/authorized_keys`, readFileSync(`${server.keyFile}.pub`));
    const config = `${server.folder}/config`;
    const host = (name: string, { port }: Sshd) => `Host ${name}\n  HostName 127.0.0.1\n  Port ${port}\n  User root\n`;
    const hosts = `${host('prod', server)}  ProxyJump inner\n${host('inner', inner)}${host('outer', outer)}`;
    writeFileSync(config, `${hosts}Host *\n  ProxyJump outer\n`);
    const { log, code } = await login(server, {
      host: 'prod',
      'ssh-config': config,
      'known-hosts': [outer, inner, server].map(({ knownHosts }) => knownHosts).join('\n'),
    });
    expect(log).toContain('dry-run is set');
    expect([outer.logins(), inner.logins(), server.logins()]).toEqual([1, 1, 1]);
    expect(inner.log()).toMatch(/Accepted publickey/);
    expect(code).toBe(0);
  });

  it('that is written wrong is an error of the input', async () => {
    await using server = await sshd();
    expect(failure(await login(server, { 'proxy-jump': 'bastion:ssh' }))).toContain(
      "why:    Input 'proxy-jump': expected user@host:port[,…], got 'bastion:ssh'.",
    );
  });

  it('that is not reachable, or can not reach the target, is named', async () => {
    await using jump = await sshd();
    await using server = await sshd();
    const nobody = await freePort();
    const dead = await login(server, { 'proxy-jump': `root@127.0.0.1:${nobody}` });
    expect(failure(dead)).toBe(`Connecting to the jump host on root@127.0.0.1:${nobody} failed.
  why:    127.0.0.1 port ${nobody} refused the connection.
  state:  untouched. Nothing on the target was changed.
  do:     check that sshd is running there and listens on that port.`);
    writeFileSync(`${jump.folder}/authorized_keys`, readFileSync(`${server.keyFile}.pub`));
    const blind = await login(server, {
      host: `root@127.0.0.1:${nobody}`,
      'proxy-jump': `root@127.0.0.1:${jump.port}`,
      'known-hosts': jump.knownHosts,
    });
    expect(failure(blind)).toContain(`why:    the jump host root@127.0.0.1:${jump.port} can't reach it:`);
  });
});

it('a jump host that waits for a host which does not answer is not waited for longer than for that', async () => {
  await using jump = await sshd();
  // What comes after the one that may wait in the queue is not answered at all.
  const listen = 'import socket, time; s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(0)';
  const silent = spawn('python3', ['-c', `${listen}; print(s.getsockname()[1], flush=True); time.sleep(60)`]);
  const port = Number(await new Promise((said) => silent.stdout.once('data', said)));
  const queued = [1, 2].map(() => createConnection(port, '127.0.0.1').on('error', () => undefined));
  try {
    const { log } = await login(jump, {
      host: `root@127.0.0.1:${port}`,
      'proxy-jump': `root@127.0.0.1:${jump.port}`,
      'connect-timeout-seconds': 1,
    });
    expect(log).toContain(
      `Attempt 2 of 3 failed: the jump host root@127.0.0.1:${jump.port} can't reach it: no answer within 1 s.`,
    );
  } finally {
    for (const socket of queued) socket.destroy();
    silent.kill();
  }
});

describe('a connection that does not come about', () => {
  it('because nobody listens there is tried three times', async () => {
    await using server = await sshd();
    const port = await freePort();
    const { log } = await login(server, { host: `root@127.0.0.1:${port}` });
    expect(log).toContain(`Attempt 2 of 3 failed: 127.0.0.1 port ${port} refused the connection.`);
    expect(log).toContain(
      `Error: Connecting on root@127.0.0.1:${port} failed.\n  why:    127.0.0.1 port ${port} refused the connection.`,
    );
  });

  it('because the name is unknown', async () => {
    await using server = await sshd();
    expect(failure(await login(server, { host: 'nowhere.invalid' }))).toContain(
      "why:    the name nowhere.invalid can't be resolved.",
    );
  });

  it('because nobody answers', async () => {
    await using server = await sshd();
    await using between = await proxy(server.port);
    between.stall();
    expect(
      failure(await login(server, { host: `root@127.0.0.1:${between.port}`, 'connect-timeout-seconds': 1 })),
    ).toContain('did not answer within 1 s.');
  });

  it('because something else listens there', async () => {
    await using server = await sshd();
    const http = createServer((socket) => socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await new Promise<void>((listening) => http.listen(0, '127.0.0.1', listening));
    const { port } = http.address() as { port: number };
    expect(failure(await login(server, { host: `root@127.0.0.1:${port}` }))).toMatch(
      /closed the connection before the login|does not speak SSH as expected/,
    );
    http.close();
  });

  it('because the server is full is tried again until there is room', async () => {
    await using server = await sshd({ config: 'MaxStartups 1\nLoginGraceTime 2' });
    // The look whether the server is up has taken the one place until sshd notices that it is gone.
    const holder = await vi.waitFor(async () => {
      const socket = createConnection(server.port, '127.0.0.1');
      const said = await new Promise((resolve, reject) => socket.once('data', resolve).once('error', reject));
      expect(String(said)).toMatch(/^SSH-/);
      return socket;
    }, 10_000);
    const { log, code } = await login(server);
    expect(log).toContain(`127.0.0.1 port ${server.port} closed the connection before the login.`);
    expect(code).toBe(0);
    holder.destroy();
  });

  it('because the server wants a password', async () => {
    await using server = await sshd({
      config: 'AuthenticationMethods keyboard-interactive\nKbdInteractiveAuthentication yes\nUsePAM yes',
    });
    expect(failure(await login(server))).toMatch(
      /why: {4}the server accepts no keys for root, only keyboard-interactive\./,
    );
  });

  it('because there is no algorithm in common', async () => {
    await using server = await sshd({ config: 'KexAlgorithms diffie-hellman-group1-sha1' });
    expect(failure(await login(server))).toContain('why:    no algorithm in common:');
  });
});

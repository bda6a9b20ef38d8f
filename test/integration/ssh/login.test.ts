import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { account } from '../../support/accounts.ts';
import { type Step, step } from '../../support/action.ts';
import { otherServer } from '../../support/ssh-server.ts';
import { type Sshd, sshd } from '../../support/sshd.ts';

type Inputs = Record<string, string | number | undefined>;

/** A dry run that only inspects the target: enough to log in. */
function login(
  server: Pick<Sshd, 'port' | 'knownHosts'>,
  inputs: Inputs,
  env: Record<string, string> = {},
): Promise<Step> {
  const usual = {
    host: `root@127.0.0.1:${server.port}`,
    'known-hosts': server.knownHosts,
    source: '/bin/true',
    destination: '/usr/local/bin/fdt-login-test',
    'dry-run': 'true',
  };
  return step('deploy-binary', { inputs: { ...usual, ...inputs }, env });
}

function newKey(file: string, ...words: string[]): string {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', ...words, '-N', '', '-f', file]);
  return readFileSync(file, 'utf8');
}

describe('keys as people paste them', () => {
  const pasted: [string, (key: string) => string][] = [
    ['with blanks for line ends', (key) => key.trim().replaceAll('\n', ' ')],
    ['with \\n for line ends', (key) => key.replaceAll('\n', '\\n')],
    ['as base64 of the whole file', (key) => Buffer.from(key).toString('base64').replace(/.{76}/g, '$&\n')],
    ['with Windows line ends and no last one', (key) => key.trim().replaceAll('\n', '\r\n')],
    ['in quotes', (key) => `"${key.trim()}"`],
    ['without their first and last line', (key) => key.trim().split('\n').slice(1, -1).join('\n')],
    ['with a byte order mark and text around them', (key) => `\uFEFFmy key:\n${key}\nthe end`],
  ];

  it('work: blanks or \\n for line ends, base64, quotes, Windows line ends, missing lines', async () => {
    await using server = await sshd();
    for (const [how, bend] of pasted) {
      const { log } = await login(server, { 'ssh-key': bend(server.key) });
      expect(log, how).toContain('dry-run is set');
    }
  });

  it('work as RSA in the old format with a passphrase and blanks for line ends, and as Ed25519 in PKCS #8', async () => {
    await using server = await sshd();
    const file = `${server.folder}/other`;
    execFileSync('ssh-keygen', ['-q', '-t', 'rsa', '-b', '2048', '-m', 'PEM', '-N', 'secret', '-f', file]);
    writeFileSync(`${server.folder}/authorized_keys`, readFileSync(`${file}.pub`));
    const bent = readFileSync(file, 'utf8').trim().replaceAll('\n', ' ');
    const old = await login(server, { 'ssh-key': bent, 'ssh-key-passphrase': 'secret' });
    expect(old.log).toContain('dry-run is set');

    const pem = `${server.folder}/pkcs8`;
    execFileSync('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', pem]);
    const spki = execFileSync('openssl', ['pkey', '-in', pem, '-pubout', '-outform', 'DER']);
    const type = Buffer.from('\0\0\0\x0bssh-ed25519\0\0\0\x20');
    const encoded = Buffer.concat([type, spki.subarray(-32)]).toString('base64');
    writeFileSync(`${server.folder}/authorized_keys`, `ssh-ed25519 ${encoded}\n`);
    expect((await login(server, { 'ssh-key': readFileSync(pem, 'utf8') })).log).toContain('dry-run is set');
  });

  it('that can not be repaired are refused with what is wrong', async () => {
    await using server = await sshd();
    const security = Buffer.from('openssh-key-v1\0 sk-ssh-ed25519@openssh.com').toString('base64');
    const cases: [string, string][] = [
      [server.key.split('\n').slice(0, 3).join('\n'), 'it is cut off: its last line (-----END …-----) is missing.'],
      [server.key.split('\n').slice(1).join('\n'), 'its first line (-----BEGIN …-----) is missing.'],
      [`${server.key}${server.key.replace(/\n.{9}/, '\nAAAAAAAAA')}`, 'key 2 of 2: it '],
      ['ssh-ed25519-cert-v01@openssh.com AAAA', 'it is a certificate; the private key is needed.'],
      [
        `-----BEGIN OPENSSH PRIVATE KEY-----\n${security}\n-----END OPENSSH PRIVATE KEY-----\n`,
        'it belongs to a security key (FIDO), which somebody would have to touch',
      ],
    ];
    for (const [key, why] of cases)
      expect((await login(server, { 'ssh-key': key })).log).toContain(`Reading ssh-key failed.\n  why:    ${why}`);
  });
});

describe('several keys in ssh-key', () => {
  it('are tried on each hop, so a bastion and its target may want different ones', async () => {
    await using jump = await sshd();
    await using server = await sshd();
    const { log } = await login(server, {
      'ssh-key': `${jump.key}\n${server.key}`,
      'proxy-jump': `root@127.0.0.1:${jump.port}`,
      'known-hosts': `${jump.knownHosts}\n${server.knownHosts}`,
    });
    expect(log).toContain('dry-run is set');
    expect([jump.logins(), server.logins()]).toEqual([1, 1]);
  });

  it('that are more than the server lets be tried are reported as too many', async () => {
    await using server = await sshd({ config: 'MaxAuthTries 2' });
    const others = ['a', 'b', 'c'].map((name) => newKey(`${server.folder}/${name}`));
    const { log } = await login(server, { 'ssh-key': [...others, server.key].join('\n') });
    expect(log).toMatch(
      /the server ended the login for root after 2 keys \(MaxAuthTries\): ssh-key \(1 of 4\), ssh-key \(2 of 4\)\./,
    );
  });
});

describe('which identity is used', () => {
  it('is printed where ssh-key is empty', async () => {
    await using server = await sshd();
    const home = `${server.folder}/home`;
    mkdirSync(`${home}/.ssh`, { recursive: true });
    writeFileSync(`${home}/.ssh/id_ed25519`, server.key, { mode: 0o600 });
    const { log } = await login(server, { 'ssh-key': '' }, { HOME: home });
    expect(log).toContain(
      `Logged in to root@127.0.0.1:${server.port} with ${home}/.ssh/id_ed25519; ssh-key is not set.`,
    );
  });

  it('is one of an agent even where another agent does not answer, and is named by its fingerprint', async () => {
    await using server = await sshd();
    const home = `${server.folder}/home`;
    mkdirSync(`${home}/.ssh`, { recursive: true });
    writeFileSync(`${home}/.ssh/id_ed25519`, server.key, { mode: 0o600 });
    const dead = await login(server, {}, { HOME: home, SSH_AUTH_SOCK: `${server.folder}/nobody` });
    expect(dead.log).toContain(`with ${home}/.ssh/id_ed25519; ssh-key is not set.`);
    const socket = `${server.folder}/agent`;
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    try {
      await vi.waitFor(() => expect(existsSync(socket)).toBe(true), 10_000);
      execFileSync('ssh-add', ['-q', server.keyFile], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
      const held = await login(server, {}, { SSH_AUTH_SOCK: socket });
      expect(held.log).toMatch(/with agent \S+\/agent, ssh-ed25519 SHA256:\S+; ssh-key is not set\./);
    } finally {
      agent.kill();
    }
  });

  it('is found in the home of the account, as ssh does, and below $HOME', async () => {
    await using server = await sshd();
    using runner = account();
    const home = `${server.folder}/home`;
    for (const folder of [runner.home, home]) mkdirSync(`${folder}/.ssh`, { recursive: true });
    // The key lies where ssh looks, the known host where an earlier step of the job wrote it.
    writeFileSync(`${runner.home}/.ssh/id_ed25519`, server.key);
    writeFileSync(
      `${runner.home}/.ssh/config`,
      `Host prod\n  HostName 127.0.0.1\n  Port ${server.port}\n  User root\n`,
    );
    writeFileSync(`${home}/.ssh/config`, 'Host prod\n  HostName 192.0.2.1\n');
    writeFileSync(`${home}/.ssh/known_hosts`, `${server.knownHosts}\n`);
    execFileSync('chown', ['-R', runner.name, runner.home, home]);
    chmodSync(`${runner.home}/.ssh/config`, 0o600);
    const node = `${server.folder}/node`;
    const number = `exec qw(setpriv --reuid=${runner.uid} --regid=${runner.uid} --clear-groups ${process.execPath}), @ARGV;`;
    writeFileSync(node, `#!/usr/bin/perl\n${number}\n`, { mode: 0o755 });
    execFileSync('cp', ['.cache/bundles/deploy-binary.cjs', `${server.folder}/deploy-binary.cjs`]);
    const { log } = await step('deploy-binary', {
      node,
      bundles: `${server.folder}/`,
      inputs: { host: 'prod', source: '/bin/true', destination: '/usr/local/bin/fdt-login-test', 'dry-run': 'true' },
      env: { GITHUB_OUTPUT: '', GITHUB_STATE: '', GITHUB_STEP_SUMMARY: '', HOME: home },
    });
    expect(log).toContain('dry-run is set');
  });
});

it('a config that others may write is refused, as by ssh', async () => {
  await using server = await sshd();
  const home = `${server.folder}/home`;
  mkdirSync(`${home}/.ssh`, { recursive: true });
  writeFileSync(`${home}/.ssh/config`, 'User root\n');
  chmodSync(`${home}/.ssh/config`, 0o666);
  const { log } = await login(server, { 'ssh-key': server.key }, { HOME: home });
  expect(log).toContain(`why:    ${home}/.ssh/config may be written by others than its owner`);
  expect(log).toContain(`chmod go-w ${home}/.ssh/config`);
});

describe('a server that wants something else than a key', () => {
  it('besides the key is reported as one that accepted the key', async () => {
    await using server = await sshd({
      config: 'AuthenticationMethods publickey,keyboard-interactive\nKbdInteractiveAuthentication yes\nUsePAM yes',
    });
    const { log } = await login(server, { 'ssh-key': server.key });
    expect(log).toMatch(
      /why: {4}the server accepted the key \(ssh-key\) and wants a second factor besides: keyboard-interactive\./,
    );
  });

  it('and lets in without any key is entered without one', async () => {
    await using server = await otherServer({
      software: 'Tailscale',
      accepts: (method) => method === 'none' || 'hang up',
    });
    await using keys = await sshd();
    const { log } = await login(server, { 'ssh-key': keys.key });
    expect(log).toContain('dry-run is set');
    expect(server.asked).toEqual(['none']);
  });
});

describe('a slow login', () => {
  it('that opens its first session late is waited for, though it answers no keepalive meanwhile', async () => {
    await using server = await otherServer({ software: 'OpenSSH_9.9', accepts: () => true, busyMs: 8000 });
    await using keys = await sshd();
    const { log } = await login(server, { 'ssh-key': keys.key, 'keepalive-seconds': 1 });
    expect(log).toContain('dry-run is set');
  });

  it('is given up after connect-timeout-seconds where those are set, and said to be one', async () => {
    await using server = await otherServer({ software: 'OpenSSH_9.9', accepts: () => true, busyMs: 30_000 });
    await using keys = await sshd();
    const { log } = await login(server, { 'ssh-key': keys.key, 'connect-timeout-seconds': 2 });
    expect(log).toContain('why:    the login was accepted, but no session was opened within 2 s.');
  });
});

it('a server that opens one session only is named by that', async () => {
  await using server = await otherServer({ software: 'tinyssh', accepts: () => true, sessions: 1 });
  await using keys = await sshd();
  const { log } = await login(server, {
    'ssh-key': keys.key,
    destination: `${keys.folder}/program`,
    restart: 'none',
    'dry-run': 'false',
  });
  expect(log).toContain('the server refused a further session on this connection');
  expect(log).toContain('(MaxSessions in sshd_config; tinysshd allows one)');
});

describe('what stands in the way is named', () => {
  it.each([
    [
      'KexAlgorithms sntrup761x25519-sha512@openssh.com',
      'no matching key exchange algorithm. The server offers only sntrup761x25519-sha512@openssh.com',
    ],
    ['Ciphers aes128-cbc', 'no matching C->S cipher. The server offers only aes128-cbc.'],
  ])('with %s', async (config, why) => {
    await using server = await sshd({ config });
    const { log } = await login(server, { 'ssh-key': server.key, transport: 'builtin' });
    expect(log).toContain(`why:    no algorithm in common: ${why}`);
  });

  it.each([
    'curve25519-sha256',
    'ecdh-sha2-nistp521',
    'diffie-hellman-group16-sha512',
    'diffie-hellman-group-exchange-sha256',
    'diffie-hellman-group14-sha256',
  ])('and nothing does with %s as the only key exchange', async (method) => {
    await using server = await sshd({ config: `KexAlgorithms ${method}` });
    expect((await login(server, { 'ssh-key': server.key })).log).toContain('dry-run is set');
  });

  it('with a banner that is longer than the client can read', async () => {
    await using server = await sshd();
    writeFileSync(`${server.folder}/banner`, 'No trespassing.\n'.repeat(2500));
    await using loud = await sshd({ config: `Banner ${server.folder}/banner` });
    const { log } = await login(loud, { 'ssh-key': loud.key, transport: 'builtin' });
    expect(log).toContain('sent a packet above 35 kB, more than the built-in client reads: most likely its Banner.');
  });

  it('with a sentence instead of a shell, which is shown', async () => {
    await using server = await sshd();
    const [line = ''] = readFileSync(`${server.keyFile}.pub`, 'utf8').split('\n');
    const sentence = 'Please login as the user "debian" rather than the user "root".';
    writeFileSync(`${server.folder}/authorized_keys`, `command="echo '${sentence.replaceAll('"', '\\"')}'" ${line}\n`);
    const { log } = await login(server, { 'ssh-key': server.key });
    expect(log).toContain(`| ${sentence}`);
    expect(log).toMatch(/do: .*ForceCommand in sshd_config, `command=` in authorized_keys/);
    using nobody = account({ shell: '/usr/sbin/nologin' });
    writeFileSync(`${server.folder}/authorized_keys`, `${line}\n`);
    const refused = await login(server, { host: `127.0.0.1:${server.port}`, user: nobody.name, 'ssh-key': server.key });
    expect(refused.log).toContain('| This account is currently not available.');
  });
});

it('of several addresses each has a fair part of the limit', async () => {
  await using server = await sshd();
  // Of the two addresses one refuses, and the other answers only after a second: what comes first finds the queue full.
  const script = `
import socket, threading, time
def pump(a, b):
    try:
        while True:
            data = a.recv(65536)
            if not data: break
            b.sendall(data)
    except OSError: pass
    try: b.shutdown(socket.SHUT_WR)
    except OSError: pass
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(0)
fill = [socket.socket() for _ in range(2)]
for f in fill: f.setblocking(False); f.connect_ex(s.getsockname())
print(s.getsockname()[1], flush=True)
time.sleep(TIME)
for f in fill: f.close()
while True:
    c, _ = s.accept()
    u = socket.create_connection(("127.0.0.1", ${server.port}))
    for pair in ((c, u), (u, c)): threading.Thread(target=pump, args=pair, daemon=True).start()
`;
  const hosts = `${server.folder}/hosts`;
  writeFileSync(hosts, '127.0.0.9 slow.test\n127.0.0.1 slow.test\n');
  const node = `${server.folder}/node`;
  // A shell would drop variables with a hyphen in their names.
  const apart = "exec('unshare', '-m', $0, @ARGV) unless $ENV{FDT_APART}++;";
  const mount = `system('mount', '--bind', '${hosts}', '/etc/hosts') == 0 or die;`;
  writeFileSync(node, `#!/usr/bin/perl\n${apart}\n${mount}\nexec '${process.execPath}', @ARGV;\n`, { mode: 0o755 });
  const slow = spawn('python3', ['-c', script.replace('TIME', '1.5')]);
  try {
    const port = Number(await new Promise((said) => slow.stdout.once('data', said)));
    const { log } = await step('deploy-binary', {
      node,
      inputs: {
        host: `root@slow.test:${port}`,
        'ssh-key': server.key,
        'known-hosts': server.knownHosts.replace(`[127.0.0.1]:${server.port}`, `[slow.test]:${port}`),
        source: '/bin/true',
        destination: '/usr/local/bin/fdt-login-test',
        'dry-run': 'true',
      },
    });
    expect(log).not.toContain(' of 3');
    expect(log).toContain('dry-run is set');
  } finally {
    slow.kill();
  }
});

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Step, step } from '../../support/action.ts';
import { type GitServer, gitServer } from '../../support/git-server.ts';
import { type Sshd, sshd } from '../../support/sshd.ts';

type Inputs = Record<string, string | number | boolean | undefined>;

function names(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `sub${index}`);
}

/** A bump of a root that is reached by ssh only. */
function bump(
  server: GitServer,
  host: Sshd,
  submodule: string,
  inputs: Inputs = {},
  env: Record<string, string> = {},
): Promise<Step> {
  return step('submodule-bump', {
    inputs: {
      repository: `ssh://root@127.0.0.1:${host.port}${server.folder}/team/gb.git`,
      'ssh-key': host.key,
      'known-hosts': host.knownHosts,
      submodule,
      ...inputs,
    },
    env: { GITHUB_SHA: server.git(`team/${submodule}`, 'rev-parse', 'main'), ...env },
  });
}

describe('over ssh', () => {
  it('moves the pointer with the key given, and leaves no file behind', async () => {
    await using server = await gitServer();
    await using host = await sshd();
    server.makeRoot('gb', ['botserver']);
    const commit = server.commit('team/botserver');
    const temporary = mkdtempSync('/tmp/fdt-tmp-');
    const { code, log } = await bump(server, host, 'botserver', {}, { TMPDIR: temporary, RUNNER_TEMP: temporary });
    expect(code, log).toBe(0);
    expect(server.pointer('gb', 'botserver')).toBe(commit);
    expect(readdirSync(temporary)).toEqual([]);
    rmSync(temporary, { recursive: true });
    expect(log.replace(/^::add-mask::.*$/gm, '')).not.toContain(host.key.split('\n')[2]);
  });

  it('distinguishes newer, older and diverged commits far back, though the server serves only refs', async () => {
    await using server = await gitServer({ allowFilter: false });
    await using host = await sshd();
    server.makeRoot('gb', ['botserver']);
    for (const name of ['gb', 'botserver'])
      server.git(`team/${name}`, 'config', 'uploadpack.allowAnySHA1InWant', 'false');
    const commits = Array.from({ length: 40 }, () => server.commit('team/botserver'));
    const newer = await bump(server, host, 'botserver');
    expect(newer.outputs, newer.log).toMatchObject({ result: 'pushed', 'new-commit': commits.at(-1) });
    const older = await bump(server, host, 'botserver', { commit: commits[0] });
    expect(older.outputs, older.log).toMatchObject({ result: 'superseded' });
    server.commit('team/botserver', { branch: 'side', on: commits[1] as string });
    const diverged = await bump(server, host, 'botserver', { commit: 'side' });
    expect(diverged.log).toContain(`does not descend from ${commits.at(-1)}, which the root points to`);
  });

  it('finds the key, the known host and an alias below $HOME, where that is not the home of the account', async () => {
    await using server = await gitServer();
    await using host = await sshd();
    server.makeRoot('gb', ['botserver']);
    const commit = server.commit('team/botserver');
    const home = `${host.folder}/home`;
    mkdirSync(`${home}/.ssh`, { recursive: true });
    writeFileSync(`${home}/.ssh/id_ed25519`, host.key, { mode: 0o600 });
    writeFileSync(`${home}/.ssh/known_hosts`, `${host.knownHosts}\n`);
    writeFileSync(`${home}/.ssh/config`, `Host forge\n  HostName 127.0.0.1\n  Port ${host.port}\n  User root\n`);
    const inputs = {
      repository: `ssh://forge${server.folder}/team/gb.git`,
      'ssh-key': undefined,
      'known-hosts': undefined,
    };
    const { code, log } = await bump(server, host, 'botserver', inputs, { HOME: home });
    expect(code, log).toBe(0);
    expect(server.pointer('gb', 'botserver')).toBe(commit);
  });

  it.each(['rsa', 'ecdsa', 'ed25519'])('takes an encrypted %s key', async (type) => {
    await using server = await gitServer();
    await using host = await sshd();
    server.makeRoot('gb', ['botserver']);
    const commit = server.commit('team/botserver');
    const file = `${host.folder}/other`;
    execFileSync('ssh-keygen', ['-q', '-t', type, '-N', 'open sesame', '-f', file]);
    writeFileSync(`${host.folder}/authorized_keys`, readFileSync(`${file}.pub`));
    const key = { 'ssh-key': readFileSync(file, 'utf8'), 'ssh-key-passphrase': 'open sesame' };
    const { code, log } = await bump(server, host, 'botserver', key);
    expect(code, log).toBe(0);
    expect(server.pointer('gb', 'botserver')).toBe(commit);
    const wrong = await bump(server, host, 'botserver', { ...key, 'ssh-key-passphrase': 'wrong one' });
    expect(wrong.log).toContain('Error: Reading ssh-key failed.\n  why:    its passphrase is wrong.');
  });

  it('tries each of several deploy keys, which open one repository only', async () => {
    await using server = await gitServer();
    await using host = await sshd();
    server.makeRoot('gb', ['botserver']);
    const commit = server.commit('team/botserver');
    const keys: string[] = [];
    const lines: string[] = [];
    for (const name of ['botserver', 'gb']) {
      const file = `${host.folder}/deploy-${name}`;
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
      const gate = `${host.folder}/gate-${name}`;
      writeFileSync(
        gate,
        `#!/bin/sh\ncase $SSH_ORIGINAL_COMMAND in *team/${name}.git*) eval "exec $SSH_ORIGINAL_COMMAND" ;; esac\necho 'ERROR: Repository not found.' >&2\nexit 1\n`,
        { mode: 0o755 },
      );
      keys.push(readFileSync(file, 'utf8'));
      lines.push(`command="${gate}" ${readFileSync(`${file}.pub`, 'utf8')}`);
    }
    writeFileSync(`${host.folder}/authorized_keys`, lines.join(''));
    const one = await bump(server, host, 'botserver', { 'ssh-key': keys[1] ?? '' });
    expect(one.code, one.log).toBe(1);
    expect(one.log).toContain('why:    there is no such repository, or these credentials may not see it.');
    const { code, log } = await bump(server, host, 'botserver', { 'ssh-key': keys.join('') });
    expect(code, log).toBe(0);
    expect(server.pointer('gb', 'botserver')).toBe(commit);
  });

  it('refuses an unknown host key, and a changed one', async () => {
    await using server = await gitServer();
    await using host = await sshd();
    await using other = await sshd();
    server.makeRoot('gb', ['botserver']);
    server.commit('team/botserver');
    const changed = other.knownHosts.replace(`:${other.port} `, `:${host.port} `);
    for (const knownHosts of ['example.org ssh-ed25519 AAAA', changed]) {
      const { code, log } = await bump(server, host, 'botserver', { 'known-hosts': knownHosts });
      expect(code).toBe(1);
      expect(log).toContain('why:    the host key is unknown or has changed.');
    }
    const insecure = await bump(server, host, 'botserver', { 'known-hosts': changed, 'host-key-checking': 'insecure' });
    expect(insecure.code, insecure.log).toBe(0);
    expect(insecure.log).toContain('Warning: `host-key-checking: insecure`: any SSH server will be trusted.');
  });

  it('accepts an unknown host key where that is asked, and says so once', async () => {
    await using server = await gitServer();
    await using host = await sshd();
    server.makeRoot('gb', ['botserver']);
    server.commit('team/botserver');
    const inputs = { 'known-hosts': 'example.org ssh-ed25519 AAAA', 'host-key-checking': 'accept-new' };
    const { code, log } = await bump(server, host, 'botserver', inputs);
    expect(code, log).toBe(0);
    const said = `Warning: New host key accepted (host-key-checking: accept-new): Permanently added '[127.0.0.1]:${host.port}'`;
    expect(log.split(said)).toHaveLength(2);
  });

  it('names a key that the server does not accept', async () => {
    await using server = await gitServer();
    await using host = await sshd();
    await using other = await sshd();
    server.makeRoot('gb', ['botserver']);
    const { code, log } = await bump(server, host, 'botserver', { 'ssh-key': other.key });
    expect(code).toBe(1);
    expect(log).toContain('why:    access is denied.');
  });

  it('lands sixteen bumps of sixteen submodules at once, in a linear history', async () => {
    await using server = await gitServer();
    // Of some 170 logins the key exchange would be nearly all the time: sntrup761 takes a processor longer than a bump does.
    await using host = await sshd({ config: 'MaxStartups 200\nKexAlgorithms curve25519-sha256' });
    server.makeRoot('gb', names(16));
    const before = server.git('team/gb', 'rev-parse', 'main');
    const tips = names(16).map((name) => server.commit(`team/${name}`));
    const steps = await Promise.all(names(16).map((name) => bump(server, host, name, { 'deadline-seconds': 300 })));
    expect(
      steps.map(({ outputs }) => outputs.result),
      steps.find(({ code }) => code !== 0)?.log,
    ).toEqual(names(16).map(() => 'pushed'));
    expect(names(16).map((name) => server.pointer('gb', name))).toEqual(tips);
    expect(server.git('team/gb', 'rev-list', '--count', `${before}..main`)).toBe('16');
    expect(server.git('team/gb', 'rev-list', '--merges', 'main')).toBe('');
  }, 400_000);
});

describe('a signing key', () => {
  it.each(['ed25519', 'ecdsa', 'rsa'])('of type %s signs the commit, as git verifies it', async (type) => {
    await using server = await gitServer();
    server.makeRoot('gb', ['botserver']);
    server.commit('team/botserver');
    const folder = mkdtempSync('/tmp/fdt-sign-');
    try {
      execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', `${folder}/id`]);
      const { code, log } = await step('submodule-bump', {
        inputs: {
          repository: `${server.url}/team/gb.git`,
          submodule: 'botserver',
          commit: 'main',
          'signing-key': readFileSync(`${folder}/id`, 'utf8'),
          author: 'Ada <ada@example.org>',
        },
      });
      expect(code, log).toBe(0);
      writeFileSync(`${folder}/signers`, `ada@example.org ${readFileSync(`${folder}/id.pub`, 'utf8')}`);
      const verified = server.git(
        'team/gb',
        '-c',
        'gpg.format=ssh',
        '-c',
        `gpg.ssh.allowedSignersFile=${folder}/signers`,
        'log',
        '-1',
        '--format=%G?|%GS',
        'main',
      );
      expect(verified).toBe('G|ada@example.org');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

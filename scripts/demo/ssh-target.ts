import { spawn } from 'node:child_process';
import ssh2 from 'ssh2';

/** An SSH server on loopback that runs commands as this very account; only the key it made may log in. */
export interface SshTarget {
  port: number;
  key: string;
  knownHosts: string;
  close(): Promise<void>;
}

/** Starts it on a free port. */
export async function startSshTarget(): Promise<SshTarget> {
  const host = soundKeyPair();
  const client = soundKeyPair();
  const allowed = ssh2.utils.parseKey(client.public);
  if (allowed instanceof Error) throw allowed;
  const server = new ssh2.Server({ hostKeys: [host.private] }, (connection) => {
    connection.on('error', () => undefined);
    connection.on('authentication', (attempt) => {
      if (attempt.method !== 'publickey' || !allowed.getPublicSSH().equals(attempt.key.data))
        return attempt.reject(['publickey']);
      if (attempt.signature && attempt.blob && !allowed.verify(attempt.blob, attempt.signature, attempt.hashAlgo))
        return attempt.reject();
      return attempt.accept();
    });
    connection.on('session', (accept) => {
      accept().on('exec', (acceptExec, _reject, { command }) => runCommand(acceptExec(), command));
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as { port: number };
  return {
    port,
    key: client.private,
    knownHosts: `[127.0.0.1]:${port} ${host.public}`,
    close: () => new Promise((closed) => server.close(() => closed())),
  };
}

/** The generator forgets the leading zero of one key in 256, which nobody can read then. */
function soundKeyPair() {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519');
    if (!(ssh2.utils.parseKey(pair.private) instanceof Error)) return pair;
  }
}

function runCommand(channel: ssh2.ServerChannel, command: string): void {
  const shell = spawn('/bin/sh', ['-c', command], { stdio: 'pipe', detached: true });
  channel.on('error', () => undefined);
  shell.stdin.on('error', () => undefined);
  channel.pipe(shell.stdin);
  shell.stdout.pipe(channel, { end: false });
  shell.stderr.pipe(channel.stderr, { end: false });
  shell.on('close', (code) => {
    channel.exit(code ?? 255);
    channel.end();
  });
}

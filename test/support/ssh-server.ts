import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import ssh2, { type Connection } from 'ssh2';

export interface OtherServer extends AsyncDisposable {
  port: number;
  knownHosts: string;
  /** Methods that the client asked for, in order. */
  asked: string[];
}

export interface OtherServerOptions {
  /** What it calls itself. */
  software: string;
  /** Whether a method is accepted; `hang up` as servers do that take none but what they wait for. */
  accepts(method: string): boolean | 'hang up';
  /** Before the first session is opened; until then nothing is answered, as sshd does while PAM works. */
  sessionAfterMs?: number;
  /** Sessions for one connection. */
  sessions?: number;
}

/** An SSH server that is not OpenSSH, and behaves as it is told; it runs what it is asked to. */
export async function otherServer(options: OtherServerOptions): Promise<OtherServer> {
  const { software, accepts, sessionAfterMs = 0, sessions = Number.POSITIVE_INFINITY } = options;
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  const asked: string[] = [];
  const open = new Set<Connection>();
  const server = new ssh2.Server({ hostKeys: [privateKey], ident: software }, (client) => {
    open.add(client);
    let left = sessions;
    client.on('error', () => undefined).on('close', () => open.delete(client));
    client.on('authentication', (attempt) => {
      asked.push(attempt.method);
      const answer = accepts(attempt.method);
      if (answer === 'hang up') client.end();
      else if (answer) attempt.accept();
      else attempt.reject(['publickey']);
    });
    const ready = sleep(sessionAfterMs);
    client.on('request', (_accept, reject) => void ready.then(() => reject?.()));
    client.on('session', (accept, reject) => {
      left -= 1;
      if (left < 0) return void reject();
      ready.then(() => {
        accept().on('exec', (take, _refuse, { command }) => {
          const channel = take();
          const child = spawn('/bin/sh', ['-c', command], { stdio: 'pipe' });
          channel.pipe(child.stdin).on('error', () => undefined);
          child.stdout.on('data', (data: Buffer) => channel.write(data));
          child.stderr.on('data', (data: Buffer) => channel.stderr.write(data));
          child.on('close', (code) => {
            channel.exit(code ?? 255);
            channel.end();
          });
        });
      });
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as { port: number };
  const key = ssh2.utils.parseKey(privateKey) as ssh2.ParsedKey;
  return {
    port,
    knownHosts: `[127.0.0.1]:${port} ssh-rsa ${key.getPublicSSH().toString('base64')}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      for (const client of open) client.end();
      await new Promise((closed) => server.close(closed));
    },
  };
}

import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
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
  /** After a login nothing is read for so long, as with sshd while PAM works: no session, no answer to a keepalive. */
  busyMs?: number;
  /** Each session is opened so late. */
  sessionMs?: number;
  /** Sessions for one connection. */
  sessions?: number;
}

/** An SSH server that is not OpenSSH, and behaves as it is told; it runs what it is asked to. */
export async function otherServer(options: OtherServerOptions): Promise<OtherServer> {
  const { software, accepts, busyMs = 0, sessionMs = 0, sessions = Number.POSITIVE_INFINITY } = options;
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  const asked: string[] = [];
  const open = new Set<Connection>();
  let accepted: Socket | undefined;
  const server = new ssh2.Server({ hostKeys: [privateKey], ident: software }, (client) => {
    open.add(client);
    let left = sessions;
    const socket = accepted;
    client.on('error', () => undefined).on('close', () => open.delete(client));
    client.on('authentication', (attempt) => {
      asked.push(attempt.method);
      const answer = accepts(attempt.method);
      if (answer === 'hang up') client.end();
      else if (attempt.method === 'publickey' && !attempt.signature) attempt.accept();
      else if (answer) {
        attempt.accept();
        socket?.pause();
        setTimeout(() => socket?.resume(), busyMs);
      } else attempt.reject(['publickey']);
    });
    client.on('session', (accept, reject) => {
      left -= 1;
      if (left < 0) return void reject();
      accept().on('exec', async (take, _refuse, { command }) => {
        await sleep(sessionMs);
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
  const listener = createServer((socket) => {
    accepted = socket;
    server.injectSocket(socket);
  });
  await new Promise<void>((listening) => listener.listen(0, '127.0.0.1', listening));
  const { port } = listener.address() as { port: number };
  const key = ssh2.utils.parseKey(privateKey) as ssh2.ParsedKey;
  return {
    port,
    knownHosts: `[127.0.0.1]:${port} ssh-rsa ${key.getPublicSSH().toString('base64')}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      for (const client of open) client.end();
      await new Promise((closed) => listener.close(closed));
    },
  };
}

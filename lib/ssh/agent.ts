import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type ssh2 from 'ssh2';
import { givenKeys, type Identity } from './identities.ts';
import { lengthFirst } from './wire.ts';

/** An ssh agent for children of this process: the keys are in our memory only, and gone with us. */
export interface Agent extends AsyncDisposable {
  socket: string;
  /** `ssh-ed25519 AAAA…` of the first one. */
  publicKey: string;
}

/** Starts it. `input` is the name of the input that holds the keys; throws a ConnectionError for one that is unusable. */
export function sshAgent(input: string, text: string, passphrase: string | undefined): Promise<Agent> {
  return agentWith(givenKeys(input, text, passphrase));
}

/** An agent with these keys, its socket below `base`. */
export async function agentWith(identities: readonly Identity[], base: string = tmpdir()): Promise<Agent> {
  // Not below RUNNER_TEMP, which may be longer than the 107 characters that a socket's path can have; mode 0700.
  const folder = await mkdtemp(join(base, 'agent-'));
  const open = new Set<Socket>();
  const server = createServer((connection) => {
    open.add(connection);
    connection.on('error', () => undefined).on('close', () => open.delete(connection));
    serve(connection, identities);
  });
  const socket = join(folder, 'socket');
  await new Promise<void>((listening, failed) => server.once('error', failed).listen(socket, listening));
  return {
    socket,
    publicKey: identities.map(({ key }) => `${key.type} ${key.getPublicSSH().toString('base64')}`)[0] ?? '',
    [Symbol.asyncDispose]: async () => {
      for (const connection of open) connection.destroy();
      await new Promise((closed) => server.close(closed));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

// ssh2's own server side loses its place at a message that it does not know, and every ssh of today begins with one.
const FAILURE = 5;
const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;
const SIGN_REQUEST = 13;
const SIGN_RESPONSE = 14;
const RSA_SHA2_256 = 2;
const RSA_SHA2_512 = 4;
const MESSAGE_BYTES_AT_MOST = 256 * 1024;

function serve(connection: Socket, identities: readonly Identity[]): void {
  let received: Buffer = Buffer.alloc(0);
  connection.on('data', (block) => {
    received = Buffer.concat([received, block]);
    while (received.length >= 4) {
      const length = received.readUInt32BE();
      if (length > MESSAGE_BYTES_AT_MOST) return void connection.destroy();
      if (received.length < 4 + length) return;
      connection.write(lengthFirst(answer(received.subarray(4, 4 + length), identities)));
      received = received.subarray(4 + length);
    }
  });
}

/** One message of the agent's protocol (draft-miller-ssh-agent), answered. */
function answer(message: Buffer, identities: readonly Identity[]): Buffer {
  if (message[0] === REQUEST_IDENTITIES) {
    const head = Buffer.from([IDENTITIES_ANSWER, 0, 0, 0, identities.length]);
    return Buffer.concat([
      head,
      ...identities.flatMap(({ key, label }) => [lengthFirst(key.getPublicSSH()), lengthFirst(label)]),
    ]);
  }
  const refusal = Buffer.from([FAILURE]);
  if (message[0] !== SIGN_REQUEST) return refusal;
  const [wanted, content, flags] = fieldsOf(message.subarray(1));
  const key = identities.find((one) => wanted?.equals(one.key.getPublicSSH()))?.key;
  if (!key || content === undefined || flags === undefined) return refusal;
  const [algorithm, hash] = algorithmOf(key, flags.length === 4 ? flags.readUInt32BE() : 0);
  const signature = key.sign(content, hash);
  if (signature instanceof Error) return refusal;
  const blob = key.type.startsWith('ecdsa-') ? fromDer(signature) : signature;
  return Buffer.concat([
    Buffer.from([SIGN_RESPONSE]),
    lengthFirst(Buffer.concat([lengthFirst(Buffer.from(algorithm)), lengthFirst(blob)])),
  ]);
}

/** Two texts with their lengths, and what follows. */
function fieldsOf(content: Buffer): (Buffer | undefined)[] {
  const found: Buffer[] = [];
  let rest = content;
  for (let count = 0; count < 2; count += 1) {
    if (rest.length < 4 || rest.length < 4 + rest.readUInt32BE()) return [];
    const end = 4 + rest.readUInt32BE();
    found.push(rest.subarray(4, end));
    rest = rest.subarray(end);
  }
  return [...found, rest];
}

function algorithmOf({ type }: ssh2.ParsedKey, flags: number): [algorithm: string, hash: string | undefined] {
  if (type !== 'ssh-rsa') return [type, undefined];
  if (flags & RSA_SHA2_512) return ['rsa-sha2-512', 'sha512'];
  return flags & RSA_SHA2_256 ? ['rsa-sha2-256', 'sha256'] : [type, 'sha1'];
}

/** ECDSA's two numbers, as DER has them, in the form of ssh: each a length of four bytes and the number. */
function fromDer(der: Buffer): Buffer {
  // A sequence of more than 127 bytes (P-521) has a length of two.
  let at = (der[1] ?? 0) > 127 ? 3 : 2;
  const parts: Buffer[] = [];
  for (let count = 0; count < 2; count += 1) {
    const end = at + 2 + (der[at + 1] ?? 0);
    parts.push(lengthFirst(der.subarray(at + 2, end)));
    at = end;
  }
  return Buffer.concat(parts);
}

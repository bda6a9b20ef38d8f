import { type AddressInfo, createServer } from 'node:net';
import ssh2, { type AuthContext, type Connection, type ServerChannel } from 'ssh2';
import { READY } from '../../lib/ssh/program.ts';

/** What a program on the target is asked to do. */
export type Asked = 'inspect' | 'deploy' | 'follow' | 'verify';

/** An SSH server that lets everybody in and answers as it likes. */
export interface HostileServer extends AsyncDisposable {
  port: number;
  knownHosts: string;
  /** What it was asked, in order. */
  asked: Asked[];
}

export interface Hostility {
  /** What is answered to a program; `channel` is open until it is closed. */
  answer: (asked: Asked, channel: ServerChannel) => void;
  banner?: string;
  greeting?: string;
  /** In the place of a login: the methods that could go on. */
  methods?: string[];
  /** Said with which it hangs up: after the login, or when a program is asked for. */
  disconnects?: { when: 'login' | 'program'; saying: string };
  /** Said in the place of opening a session. */
  refuses?: string;
  /** A session is never opened, nor refused. */
  ignores?: boolean;
}

interface Protocol {
  channelOpenFail(recipient: number, reason: number, description?: string): void;
  _packetRW: { write: { allocStart: number; alloc(bytes: number): Buffer; finalize(packet: Buffer): Buffer } };
  _cipher: { encrypt(packet: Buffer): void };
}

export const KEY = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 });
const HOST_KEY = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 });

/** Starts it on loopback. */
export async function hostileServer(hostility: Hostility): Promise<HostileServer> {
  const { banner, greeting } = hostility;
  const asked: Asked[] = [];
  const clients = new Set<Connection>();
  const options = { hostKeys: [HOST_KEY.private], ...(banner ? { banner } : {}), ...(greeting ? { greeting } : {}) };
  const server = new ssh2.Server(options, (client) => {
    clients.add(client);
    client.on('error', () => undefined).on('close', () => clients.delete(client));
    client.on('authentication', (context) => letIn(context, hostility));
    client.on('ready', () => serve(client, hostility, asked));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    knownHosts: `[127.0.0.1]:${port} ${HOST_KEY.public.split(' ').slice(0, 2).join(' ')}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) client.end();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** A server that is no SSH server: it says `chunk` for ever, or once. */
export async function noSshServer(chunk: string, { forever }: { forever: boolean }): Promise<HostileServer> {
  const server = createServer((socket) => {
    const say = () => {
      while (socket.writable && socket.write(chunk) && forever);
    };
    socket.on('error', () => undefined).on('drain', say);
    say();
    if (!forever) socket.end();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    knownHosts: '',
    asked: [],
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

function letIn(context: AuthContext, { methods }: Hostility): void {
  if (methods) context.reject(methods as never);
  else context.accept();
}

function serve(client: Connection, hostility: Hostility, asked: Asked[]): void {
  const { disconnects, refuses, ignores } = hostility;
  const protocol = (client as unknown as { _protocol: Protocol })._protocol;
  if (refuses !== undefined) {
    const fail = protocol.channelOpenFail.bind(protocol);
    protocol.channelOpenFail = (recipient, reason) => fail(recipient, reason, refuses);
  }
  if (disconnects?.when === 'login') hangUp(protocol, disconnects.saying);
  client.on('session', (accept, reject) => {
    if (refuses !== undefined) return reject();
    if (ignores) return;
    accept().on('exec', (acceptExec) => {
      const channel = acceptExec();
      if (disconnects?.when === 'program') hangUp(protocol, disconnects.saying);
      // What it would write when nobody reads any more.
      channel.on('error', () => undefined);
      channel.stderr.on('error', () => undefined);
      channel.write(`${READY}\n`);
      read(channel, (what) => {
        asked.push(what);
        hostility.answer(what, channel);
      });
    });
  });
}

/** Waits for the program's two lines, and takes what follows. */
function read(channel: ServerChannel, told: (asked: Asked) => void): void {
  let text: string | undefined = '';
  channel.on('data', (bytes: Buffer) => {
    if (text === undefined) return;
    text += bytes.toString('latin1');
    if (!/^\d+\n[^\n]*\n/.test(text)) return;
    const has = (name: string) => text?.includes(`in_${name}='`);
    const asked = has('listen_port') ? 'verify' : has('action') ? 'deploy' : has('id') ? 'follow' : 'inspect';
    text = undefined;
    told(asked);
  });
}

/** With words of its own, which ssh2 has no way to say. */
function hangUp({ _packetRW: { write }, _cipher }: Protocol, saying: string): void {
  const words = Buffer.from(saying);
  const at = write.allocStart;
  const packet = write.alloc(1 + 4 + 4 + words.length + 4);
  packet[at] = 1;
  packet.writeUInt32BE(2, at + 1);
  packet.writeUInt32BE(words.length, at + 5);
  words.copy(packet, at + 9);
  packet.writeUInt32BE(0, at + 9 + words.length);
  _cipher.encrypt(write.finalize(packet));
}

/** A whole answer, in the words of the programs: `key=value` lines, line ends and backslashes in values escaped. */
export function answerText(said: readonly (readonly [key: string, value: string])[]): string {
  const escaped = (value: string) => value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return ['begin', ...said.map(([key, value]) => `${key}=${escaped(value)}`), 'end', ''].join('\n');
}

/** Says it and closes the session. */
export function say(channel: ServerChannel, text: string | Buffer, code = 0): void {
  channel.write(text);
  channel.exit(code);
  channel.end();
}

/** Says it again and again, as fast as it is taken, up to so many bytes. */
export function flood(stream: NodeJS.WritableStream, chunk: string, bytes: number): void {
  let sent = 0;
  const more = () => {
    while (stream.writable && sent < bytes) {
      sent += chunk.length;
      if (!stream.write(chunk)) {
        stream.once('drain', more);
        return;
      }
    }
  };
  more();
}

import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Config, NodeSSH } from 'node-ssh';
import type { Client, ServerHostKeyAlgorithm } from 'ssh2';
import type { ActionContext } from '../action/action.ts';
import type { Log } from '../action/log.ts';
import { ConnectionError } from '../errors.ts';
import { type BuiltinHost, openHost } from './builtin-host.ts';
import { serverAlgorithms, whyNotConnected } from './failures.ts';
import { type HostKeyChecking, type HostKeyJudge, hostKeyJudge } from './host-keys.ts';
import { type Identities, identitiesOf } from './identities.ts';
import type { ConnectionInputs } from './inputs.ts';
import { offerInTurn } from './offer.ts';
import { openSocket } from './open-socket.ts';
import { rememberHostKey } from './remember-host-key.ts';
import { timeHandshake } from './round-trips.ts';
import type { Target } from './target.ts';

interface Login {
  inputs: ConnectionInputs;
  context: ActionContext;
  /** The way through a jump host. */
  sock: Duplex | undefined;
  jump: boolean;
}

/** A host that accepts the key may take long to open the first session: PAM, systemd-logind. */
export const FIRST_SESSION_SECONDS = 60;

/** Connects to one host and logs in there; throws a ConnectionError that says why it could not. */
export async function login(target: Target, { inputs, context, sock, jump }: Login): Promise<BuiltinHost> {
  const { log } = context;
  const judge = hostKeyJudge(target, { checking: checkingOf(inputs, target, log), given: inputs['known-hosts'], log });
  const given = { sshKey: inputs['ssh-key'], passphrase: inputs['ssh-key-passphrase'] };
  const identities = await identitiesOf(given, target);
  const { client, socket, shortestMs, accepted } = await handshake(target, { judge, identities, sock, jump });
  if (given.sshKey === undefined) log.line(`Logged in to ${target.name} with ${accepted}; ssh-key is not set.`);
  return openHost(target, client, {
    socket,
    shortestMs,
    firstSessionSeconds: inputs['connect-timeout-seconds'] ?? FIRST_SESSION_SECONDS,
  });
}

interface Handshake {
  judge: HostKeyJudge;
  identities: Identities;
  sock: Duplex | undefined;
  jump: boolean;
}

async function handshake(target: Target, { judge, identities, sock, jump }: Handshake) {
  const { skipped } = identities;
  const startedAt = performance.now();
  const ssh = new NodeSSH();
  const { offers, handler } = offerInTurn(target.user, identities.identities, () => ssh.connection);
  const offered = serverAlgorithms();
  const timed = timeHandshake();
  let socket: Duplex | Socket | undefined = sock;
  try {
    socket ??= await openSocket(target);
    gatherWrites(socket);
    await ssh.connect({
      sock: socket,
      username: target.user,
      readyTimeout: Math.max(1, target.connectTimeoutSeconds * 1000 - (performance.now() - startedAt)),
      keepaliveInterval: target.keepaliveSeconds * 1000,
      keepaliveCountMax: target.keepaliveMissed,
      hostVerifier: (key: Buffer) => judge.accepts(key),
      authHandler: handler,
      debug: (line: string) => {
        offered.read(line);
        timed.read(line);
      },
      algorithms: {
        // AES-GCM runs in Node's own crypto; the others would need a native module that a bundle can't carry.
        cipher: [
          'aes128-gcm@openssh.com',
          'aes256-gcm@openssh.com',
          'aes128-ctr',
          'aes256-ctr',
          'chacha20-poly1305@openssh.com',
        ],
        serverHostKey: judge.algorithms as ServerHostKeyAlgorithm[],
      },
    } as Config);
  } catch (error) {
    socket?.destroy();
    const refusal = judge.refusal();
    if (refusal) throw refusal;
    const told = whyNotConnected(error as Error, target, { offers, skipped, algorithms: offered.found() });
    const what = jump ? 'Connecting to the jump host' : 'Connecting';
    throw new ConnectionError({ what, where: target.name, ...told, cause: error });
  } finally {
    const key = judge.newKey();
    if (key) rememberHostKey(target, key);
  }
  const client = ssh.connection as Client;
  // It would word a line for every packet of an upload.
  delete (client as unknown as { _protocol: { _debug?: unknown } })._protocol._debug;
  return { client, socket, shortestMs: timed.shortestMs(), accepted: offers.keys.at(-1) ?? 'no key' };
}

/** How host keys are checked: as the input says, otherwise as the SSH config does, and never less than accept-new by that. */
export function checkingOf(inputs: ConnectionInputs, target: Target, log: Log): HostKeyChecking {
  const given = inputs['host-key-checking'];
  if (given) return given;
  const configured = target.strictHostKeyChecking;
  if (configured === 'accept-new' || configured === 'no') {
    log.line(`The SSH config sets StrictHostKeyChecking ${configured} for ${target.written}: treated as accept-new.`);
    return 'accept-new';
  }
  return 'strict';
}

/**
 * ssh2 writes each packet in three parts, each a system call and, without Nagle's delay, a segment of its own. Gathered, what
 * is written in one go leaves in one: a fifth less of the processor for an upload.
 */
function gatherWrites(socket: Duplex): void {
  const write = socket.write.bind(socket) as (...given: unknown[]) => boolean;
  let gathering = false;
  socket.write = (...given: unknown[]) => {
    if (!gathering) {
      gathering = true;
      socket.cork();
      process.nextTick(() => {
        gathering = false;
        socket.uncork();
      });
    }
    return write(...given);
  };
}

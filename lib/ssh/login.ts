import { connect as connectTcp } from 'node:net';
import { homedir } from 'node:os';
import type { Duplex } from 'node:stream';
import { type Config, NodeSSH } from 'node-ssh';
import type { AuthHandlerMiddleware, Client, ServerHostKeyAlgorithm } from 'ssh2';
import type { ActionContext } from '../action/action.ts';
import type { Log } from '../action/log.ts';
import { ConnectionError } from '../errors.ts';
import { whyNotConnected } from './failures.ts';
import { type Host, openHost } from './host.ts';
import { type HostKeyChecking, hostKeyJudge } from './host-keys.ts';
import { type Identity, identitiesOf } from './identities.ts';
import type { ConnectionInputs } from './inputs.ts';
import type { Target } from './target.ts';

interface Login {
  inputs: ConnectionInputs;
  context: ActionContext;
  sock: Duplex | undefined;
  jump: boolean;
}

/** Connects to one host and logs in there; throws a ConnectionError that says why it could not. */
export async function login(target: Target, { inputs, context, sock, jump }: Login): Promise<Host> {
  const { log } = context;
  const home = context.env('HOME') ?? homedir();
  const judge = hostKeyJudge(target, { checking: checkingOf(inputs, target, log), given: inputs['known-hosts'], log });
  const { identities, skipped } = identitiesOf(
    { sshKey: inputs['ssh-key'], passphrase: inputs['ssh-key-passphrase'] },
    target,
    home,
  );
  const offered: string[] = [];
  const ssh = new NodeSSH();
  // Nagle's delay would hold back the rest of each packet of the handshake until the server acknowledges its beginning.
  const socket = sock ?? connectTcp({ host: target.host, port: target.port, noDelay: true });
  gatherWrites(socket);
  try {
    await ssh.connect({
      sock: socket,
      username: target.user,
      readyTimeout: target.connectTimeoutSeconds * 1000,
      keepaliveInterval: target.keepaliveSeconds * 1000,
      keepaliveCountMax: target.keepaliveMissed,
      hostVerifier: (key: Buffer) => judge.accepts(key),
      authHandler: offerInTurn(target.user, identities, offered),
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
    socket.destroy();
    const refusal = judge.refusal();
    if (refusal) throw refusal;
    const { why, remedy } = whyNotConnected(error as Error, target, { offered, skipped });
    throw new ConnectionError({
      what: jump ? 'Connecting to the jump host' : 'Connecting',
      where: target.name,
      why,
      remedy,
      cause: error,
    });
  }
  return openHost(target, ssh.connection as Client, socket);
}

function checkingOf(inputs: ConnectionInputs, target: Target, log: Log): HostKeyChecking {
  const given = inputs['host-key-checking'];
  if (given) return given;
  const configured = target.strictHostKeyChecking;
  if (configured === 'accept-new' || configured === 'no' || configured === 'off') {
    log.line(`The SSH config sets StrictHostKeyChecking ${configured} for ${target.written}: taken as accept-new.`);
    return 'accept-new';
  }
  return 'strict';
}

/** Offers one identity after the other within one connection, the first one without asking for the methods before. */
function offerInTurn(username: string, identities: readonly Identity[], offered: string[]): AuthHandlerMiddleware {
  const rest = [...identities];
  return (methodsLeft, _partial, next) => {
    const identity = methodsLeft && !methodsLeft.includes('publickey') ? undefined : rest.shift();
    if (methodsLeft) offered.push(`(server: ${methodsLeft.join(', ')})`);
    if (!identity) {
      (next as unknown as (end: false) => void)(false);
      return;
    }
    offered.push(identity.label);
    if (identity.kind === 'agent') next({ type: 'agent', username, agent: identity.agent as never });
    else next({ type: 'publickey', username, key: identity.key as never });
  };
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

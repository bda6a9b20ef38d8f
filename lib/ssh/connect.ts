import { connect as connectTcp, type Socket } from 'node:net';
import { homedir, userInfo } from 'node:os';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Config, NodeSSH } from 'node-ssh';
import type { AuthHandlerMiddleware, Client, ClientChannel, ServerHostKeyAlgorithm } from 'ssh2';
import type { ActionContext } from '../action/action.ts';
import type { Log } from '../action/log.ts';
import { ConnectionError } from '../errors.ts';
import { ConfigError, resolveConfig } from './config.ts';
import { configFiles, includedFiles } from './config-files.ts';
import { parseContainer } from './container.ts';
import { isTransient, whyNotConnected } from './failures.ts';
import { type HostKeyChecking, hostKeyJudge } from './host-keys.ts';
import { type Identity, identitiesOf } from './identities.ts';
import { type ConnectionInputs, parseHost, type WrittenHost } from './inputs.ts';
import { resolveTarget, type Target } from './target.ts';

/** An open, authenticated connection to a target. */
export interface Host extends AsyncDisposable {
  readonly target: Target;
  /** Whether bytes cost nothing on the way: this very machine, by its address and by how soon it answers. */
  isNear(): boolean;
  /** The shortest seen. */
  roundTripMs(): number;
  /** Opens an exec channel. Throws a ConnectionError when the connection is gone or the server refuses. */
  exec(command: string): Promise<ClientChannel>;
  /** Opens one in advance, for the next `exec` of that command; where it is refused, that one opens its own. */
  prepare(command: string): void;
  /** Settles when the connection is gone: why, or undefined after dispose. Never rejects. */
  readonly lost: Promise<Error | undefined>;
}

const TRIES = 3;
/**
 * A server may refuse a session for a moment: it still counts the one before (MaxSessions), or can't fork (dropbear,
 * once in a hundred under load). What was refused has not run.
 */
const REFUSED_PAUSE_MS = 150;
/** Opening a channel takes two round trips. */
const NEAR_MS = 40;

/** Connects and logs in once. Tries again only where the network, not a key, is the cause. */
export async function connect(inputs: ConnectionInputs, context: ActionContext): Promise<Host> {
  const { log } = context;
  log.mask(inputs['ssh-key']);
  log.mask(inputs['ssh-key-passphrase']);
  const target = targetOf(inputs.host, inputs, context);
  for (let tried = 1; ; tried += 1) {
    try {
      return await connectThrough(target, inputs, context);
    } catch (error) {
      if (
        tried >= TRIES ||
        !(error instanceof ConnectionError) ||
        !isTransient(error.fields.cause) ||
        context.signal.aborted
      )
        throw error;
      log.line(`Try ${tried} of ${TRIES}: ${error.fields.why}`);
      await sleep(tried * (500 + Math.random() * 1000), undefined, { signal: context.signal }).catch(() => undefined);
    }
  }
}

/** Goes from hop to hop; the last one is the target. */
async function connectThrough(target: Target, inputs: ConnectionInputs, context: ActionContext): Promise<Host> {
  const hops = hopsOf(target, [], (jump, { first }) => {
    const way = first ? undefined : 'none';
    return targetOf(
      jump,
      { ...inputs, user: undefined, port: undefined, container: undefined, 'proxy-jump': way },
      context,
    );
  });
  const opened: Host[] = [];
  try {
    for (const [index, hop] of [...hops, target].entries()) {
      const before = opened.at(-1);
      const sock = before ? await forward(before, hop) : undefined;
      opened.push(await login(hop, { inputs, context, sock, jump: index < hops.length }));
    }
  } catch (error) {
    for (const host of opened.reverse()) await host[Symbol.asyncDispose]();
    throw error;
  }
  const last = opened.pop() as Host;
  return {
    ...last,
    [Symbol.asyncDispose]: async () => {
      await last[Symbol.asyncDispose]();
      for (const host of opened.reverse()) await host[Symbol.asyncDispose]();
    },
  };
}

/**
 * The hops on the way to `target`, in the order of the way. The first may have jump hosts of its own in the SSH config;
 * the others are reached through the one before. A pattern for all hosts may name a hop that is on the way already.
 */
function hopsOf(
  target: Target,
  passed: readonly string[],
  resolve: (jump: string, at: { first: boolean }) => Target,
): Target[] {
  const jumps = target.jumps.filter((jump) => !passed.includes(jump));
  return jumps.flatMap((jump, index) => {
    const hop = resolve(jump, { first: index === 0 });
    return [...hopsOf(hop, [...passed, ...jumps], resolve), hop];
  });
}

function targetOf(host: string, inputs: ConnectionInputs, context: ActionContext): Target {
  const home = context.env('HOME') ?? homedir();
  const localUser = accountName(context);
  const written = parseHost(host) as WrittenHost;
  if (written === undefined) throw configFailure(host, new ConfigError(`the jump host '${host}' is no user@host:port`));
  const user = inputs.user ?? written.user;
  const container = inputs.container === undefined ? undefined : parseContainer(inputs.container);
  try {
    const config = resolveConfig(configFiles(inputs['ssh-config'], home), {
      host: written.host,
      user,
      localUser,
      home,
      include: includedFiles,
    });
    return resolveTarget(written, config, {
      localUser,
      home,
      env: context.env,
      user: inputs.user,
      port: inputs.port,
      proxyJump: inputs['proxy-jump'],
      connectTimeoutSeconds: inputs['connect-timeout-seconds'],
      keepaliveSeconds: inputs['keepalive-seconds'],
      container: container && { ...container, sudo: inputs.sudo },
    });
  } catch (error) {
    throw error instanceof ConfigError ? configFailure(host, error) : error;
  }
}

/** The runner's account; one that a container was only given by number has no name. */
function accountName(context: ActionContext): string {
  try {
    return userInfo().username;
  } catch {
    return context.env('USER') ?? String(process.getuid?.());
  }
}

function configFailure(host: string, error: ConfigError): ConnectionError {
  return new ConnectionError({
    what: `Reading the SSH config for ${host}`,
    why: `${error.message}.`,
    remedy: 'correct the config, or give another one with ssh-config.',
  });
}

interface Login {
  inputs: ConnectionInputs;
  context: ActionContext;
  sock: Duplex | undefined;
  jump: boolean;
}

async function login(target: Target, { inputs, context, sock, jump }: Login): Promise<Host> {
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

function openHost(target: Target, client: Client, socket: Duplex | Socket): Host {
  let disposed = false;
  let cause: Error | undefined;
  let openMs = Number.POSITIVE_INFINITY;
  const lost = new Promise<Error | undefined>((resolve) => {
    // A TCP reset raises an error long after connect(); without a listener it would end the process.
    client.on('error', (error) => {
      cause = error;
    });
    client.on('close', () => resolve(disposed ? undefined : (cause ?? new Error('the connection was closed'))));
  });
  const open = (command: string) =>
    new Promise<ClientChannel>((resolve, reject) => {
      lost.then((error) => reject(error ?? new Error('the connection is closed')));
      const askedAt = performance.now();
      client.exec(command, (error, channel) => {
        openMs = Math.min(openMs, performance.now() - askedAt);
        if (error) reject(error);
        else resolve(channel);
      });
    });
  let prepared: { command: string; channel: Promise<ClientChannel | undefined> } | undefined;
  const takePrepared = async (command: string) => {
    const { command: of, channel } = prepared ?? {};
    prepared = undefined;
    const opened = await channel;
    if (of === command && opened?.writable) return opened;
    // A server may allow one session only.
    opened?.destroy();
    return undefined;
  };
  const sessionFailure = (error: Error) =>
    new ConnectionError({
      what: 'Opening a session',
      where: target.name,
      why: `${cause?.message ?? error.message}.`,
      remedy: 'look at the log of sshd there (MaxSessions, ForceCommand, the login shell).',
      cause: error,
    });
  return {
    target,
    // A tunnel's end has a loopback address too, but the answers take their time.
    isNear: () =>
      'remoteAddress' in socket && /^(::ffff:)?127\.|^::1$/.test(socket.remoteAddress ?? '') && openMs < NEAR_MS,
    roundTripMs: () => openMs / 2,
    lost,
    prepare: (command) => {
      prepared = { command, channel: open(command).catch(() => undefined) };
    },
    exec: async (command) => {
      for (let tried = 1; ; tried += 1) {
        try {
          return (await takePrepared(command)) ?? (await open(command));
        } catch (error) {
          if (tried < TRIES && cause === undefined && !disposed) await sleep(tried * REFUSED_PAUSE_MS);
          else throw sessionFailure(error as Error);
        }
      }
    },
    [Symbol.asyncDispose]: async () => {
      disposed = true;
      client.end();
      await Promise.race([lost, sleep(1000, undefined, { ref: false })]);
      client.destroy();
    },
    ...{ client },
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

/** A stream from a hop to the next one. */
async function forward(before: Host, next: Target): Promise<Duplex> {
  const { client } = before as Host & { client: Client };
  return new Promise((resolve, reject) => {
    const fail = (error: Error) =>
      reject(
        new ConnectionError({
          what: 'Connecting',
          where: next.name,
          why: `the jump host ${before.target.name} can't reach it: ${error.message}.`,
          remedy: 'check the address from the jump host, and AllowTcpForwarding there.',
          cause: error,
        }),
      );
    // The jump host itself would wait for minutes.
    const late = Object.assign(new Error(`no answer within ${next.connectTimeoutSeconds} s`), {
      level: 'client-timeout',
    });
    const limit = setTimeout(fail, next.connectTimeoutSeconds * 1000, late);
    client.forwardOut('127.0.0.1', 0, next.host, next.port, (error, stream) => {
      clearTimeout(limit);
      if (error) fail(error);
      else resolve(stream);
    });
  });
}

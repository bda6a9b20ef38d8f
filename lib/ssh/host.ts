import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, ClientChannel } from 'ssh2';
import { ConnectionError } from '../errors.ts';
import type { Target } from './target.ts';

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

/** The connection that `client` has opened over `socket`. */
export function openHost(target: Target, client: Client, socket: Duplex | Socket): Host {
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

/** A stream from a hop to the next one. */
export async function forward(before: Host, next: Target): Promise<Duplex> {
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

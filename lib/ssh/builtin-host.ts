import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, ClientChannel } from 'ssh2';
import { ConnectionError } from '../errors.ts';
import { type Channel, type Host, isLoopback, NEAR_MS } from './host.ts';
import { SlowSessionError, sessionsOver } from './sessions.ts';
import type { Target } from './target.ts';

/** A connection of the built-in client, which can lead on to a further host. */
export interface BuiltinHost extends Host {
  /** A stream through this host to another one. Throws a ConnectionError that names both. */
  forward(next: Target): Promise<Duplex>;
}

/** Below the shortest keepalive interval. */
const PATIENCE_MS = 500;

interface Opened {
  socket: Duplex | Socket;
  /** The shortest round trip of the handshake. */
  shortestMs: number;
  /** How long the first session may take: logins wait for PAM and systemd-logind. */
  firstSessionSeconds: number;
}

/** The connection that `client` has opened over `socket`. */
export function openHost(
  target: Target,
  client: Client,
  { socket, shortestMs, firstSessionSeconds }: Opened,
): BuiltinHost {
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
  const open = (command: string, { isFirst }: { isFirst: boolean }) =>
    new Promise<Channel>((resolve, reject) => {
      lost.then((error) => reject(error ?? new Error('the connection is closed')));
      const askedAt = performance.now();
      const patience = isFirst ? bePatient(client, firstSessionSeconds, reject) : undefined;
      client.exec(command, (error, channel) => {
        patience?.end();
        openMs = Math.min(openMs, performance.now() - askedAt);
        if (error) return reject(error);
        return resolve(channelOf(channel));
      });
    });
  const gone = () => cause ?? (disposed ? new Error('the connection is closed') : undefined);
  // Opening takes two round trips, and the target the time to start a shell.
  const roundTripMs = () => Math.min(shortestMs, openMs / 2);
  return {
    ...sessionsOver({ target, open, gone }),
    target,
    // A tunnel's end has a loopback address too, but the answers take their time.
    isNear: () => 'remoteAddress' in socket && isLoopback(socket.remoteAddress ?? '') && roundTripMs() < NEAR_MS,
    roundTripMs,
    lost,
    forward: (next) => forward(client, { from: target, to: next }),
    [Symbol.asyncDispose]: async () => {
      disposed = true;
      client.end();
      await Promise.race([lost, sleep(1000, undefined, { ref: false })]);
      client.destroy();
    },
  };
}

function channelOf(channel: ClientChannel): Channel {
  let code: number | null = null;
  channel.on('exit', (exit: number | null) => {
    code = exit;
  });
  return {
    input: channel,
    output: channel,
    errors: channel.stderr,
    closed: new Promise((resolve) => {
      channel.on('close', () => resolve(code)).on('error', () => resolve(code));
    }),
    destroy: () => channel.destroy(),
  };
}

/**
 * While a login is under way on the host (PAM, systemd-logind), sshd answers nothing, keepalives neither: those count from the
 * first session on.
 */
function bePatient(client: Client, seconds: number, fail: (error: Error) => void): { end: () => void } {
  const { _resetKA: resetKeepalive } = client as unknown as { _resetKA?: () => void };
  const repeat = setInterval(() => resetKeepalive?.(), PATIENCE_MS);
  const end = () => {
    clearInterval(repeat);
    clearTimeout(limit);
  };
  const limit = setTimeout(() => {
    end();
    fail(new SlowSessionError(`the login was accepted, but no session was opened within ${seconds} s`));
  }, seconds * 1000);
  return { end };
}

async function forward(client: Client, { from, to }: { from: Target; to: Target }): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) =>
      reject(
        new ConnectionError({
          what: 'Connecting',
          where: to.name,
          why: `the jump host ${from.name} can't reach it: ${error.message}.`,
          remedy: 'check the address from the jump host, and AllowTcpForwarding there.',
          cause: error,
        }),
      );
    // The jump host itself would wait for minutes.
    const late = Object.assign(new Error(`no answer within ${to.connectTimeoutSeconds} s`), {
      level: 'client-timeout',
    });
    const limit = setTimeout(fail, to.connectTimeoutSeconds * 1000, late);
    client.forwardOut('127.0.0.1', 0, to.host, to.port, (error, stream) => {
      clearTimeout(limit);
      if (error) fail(error);
      else resolve(stream);
    });
  });
}

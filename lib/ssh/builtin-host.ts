import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, ClientChannel } from 'ssh2';
import { ConnectionError } from '../errors.ts';
import type { Channel, Host } from './host.ts';
import type { Target } from './target.ts';

/** A connection of the built-in client, which can lead on to a further host. */
export interface BuiltinHost extends Host {
  /** A stream through this host to another one. Throws a ConnectionError that names both. */
  forward(next: Target): Promise<Duplex>;
}

const TRIES = 3;
/**
 * A server may refuse a session for a moment: it still counts the one before (MaxSessions), or can't fork (dropbear,
 * once in a hundred under load). What was refused has not run.
 */
const REFUSED_PAUSE_MS = 150;
/** Opening a channel takes two round trips. */
const NEAR_MS = 40;
/** Below the shortest keepalive interval. */
const PATIENCE_MS = 500;

interface Opened {
  socket: Duplex | Socket;
  /** How long the first session may take: logins wait for PAM and systemd-logind. */
  firstSessionSeconds: number;
}

/** The connection that `client` has opened over `socket`. */
export function openHost(target: Target, client: Client, { socket, firstSessionSeconds }: Opened): BuiltinHost {
  let disposed = false;
  let cause: Error | undefined;
  let openMs = Number.POSITIVE_INFINITY;
  let sessions = 0;
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
      const patience = sessions === 0 ? bePatient(client, firstSessionSeconds, reject) : undefined;
      client.exec(command, (error, channel) => {
        patience?.end();
        openMs = Math.min(openMs, performance.now() - askedAt);
        if (error) return reject(error);
        sessions += 1;
        return resolve(channel);
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
          return channelOf((await takePrepared(command)) ?? (await open(command)));
        } catch (error) {
          const again = tried < TRIES && cause === undefined && !disposed && !(error instanceof SlowSessionError);
          if (!again) throw sessionFailure(target, { error: cause ?? (error as Error), sessions });
          await sleep(tried * REFUSED_PAUSE_MS);
        }
      }
    },
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

class SlowSessionError extends Error {}

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

function sessionFailure({ name }: Target, { error, sessions }: { error: Error; sessions: number }): ConnectionError {
  const fields = { what: 'Opening a session', where: name, why: `${error.message}.`, cause: error };
  if (error instanceof SlowSessionError) {
    const remedy = 'check what logins wait for on the host (PAM, systemd-logind); it may need connect-timeout-seconds.';
    return new ConnectionError({ ...fields, remedy });
  }
  if (sessions > 0) {
    const why = `the server refused a further session on this connection (${error.message}): it allows fewer than are needed (MaxSessions in sshd_config; tinysshd allows one).`;
    return new ConnectionError({
      ...fields,
      why,
      remedy: 'raise MaxSessions there, or run OpenSSH beside that server.',
    });
  }
  return new ConnectionError({
    ...fields,
    remedy: 'check the log of sshd there (MaxSessions, ForceCommand, the login shell).',
  });
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

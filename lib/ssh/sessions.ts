import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectionError } from '../errors.ts';
import type { Channel, Host } from './host.ts';
import type { Target } from './target.ts';

/** Thrown where the login was accepted, and nothing answered after it. */
export class SlowSessionError extends Error {}

interface Opening {
  target: Target;
  open: (command: string, at: { isFirst: boolean }) => Promise<Channel>;
  /** Why the connection is gone; undefined while it is there. */
  gone: () => Error | undefined;
}

const TRIES = 3;
/**
 * A server may refuse a session for a moment: it still counts the one before (MaxSessions), or can't fork (dropbear,
 * once in a hundred under load). What was refused has not run.
 */
const REFUSED_PAUSE_MS = 150;

/** Opens sessions over one connection, one of them in advance. */
export function sessionsOver({ target, open, gone }: Opening): Pick<Host, 'exec' | 'prepare'> {
  let opened = 0;
  const openNow = async (command: string) => {
    const channel = await open(command, { isFirst: opened === 0 });
    opened += 1;
    return channel;
  };
  let prepared: { command: string; channel: Promise<Channel | undefined> } | undefined;
  const takePrepared = async (command: string) => {
    const { command: of, channel } = prepared ?? {};
    prepared = undefined;
    const ready = await channel;
    if (of === command && ready?.input.writable) return ready;
    // A server may allow one session only.
    ready?.destroy();
    return undefined;
  };
  return {
    prepare: (command) => {
      const channel = openNow(command).catch(() => undefined);
      prepared = { command, channel };
      return channel.then(() => undefined);
    },
    exec: async (command) => {
      for (let tried = 1; ; tried += 1) {
        try {
          return (await takePrepared(command)) ?? (await openNow(command));
        } catch (error) {
          const again = tried < TRIES && gone() === undefined && !(error instanceof SlowSessionError);
          if (!again) throw sessionFailure(target, { error: gone() ?? (error as Error), opened });
          await sleep(tried * REFUSED_PAUSE_MS);
        }
      }
    },
  };
}

function sessionFailure({ name }: Target, { error, opened }: { error: Error; opened: number }): ConnectionError {
  const fields = { what: 'Opening a session', where: name, why: `${error.message}.`, cause: error };
  if (error instanceof SlowSessionError) {
    const remedy = 'check what logins wait for on the host (PAM, systemd-logind); it may need connect-timeout-seconds.';
    return new ConnectionError({ ...fields, remedy });
  }
  if (opened > 0) {
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

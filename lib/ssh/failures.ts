import { oneLine } from '../foreign.ts';
import type { Target } from './target.ts';

interface Told {
  why: string;
  remedy: string;
}

interface Tried {
  /** Identities offered to the server, in order. */
  offered: readonly string[];
  /** Identities that could not be offered, and why. */
  skipped: readonly string[];
}

type SocketError = Error & { code?: string; level?: string };

/** Whether trying again can help: the network was at fault, not a key. */
export function isTransient(error: unknown): boolean {
  const { code = '', level, message = '' } = (error ?? {}) as SocketError;
  if (['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EPIPE', 'EAI_AGAIN'].includes(code))
    return true;
  return level === 'client-timeout' || /lost before handshake/i.test(message);
}

/** Why the login failed, in words, by what the library reports. */
export function whyNotConnected(error: SocketError, target: Target, { offered, skipped }: Tried): Told {
  const { code = '', level = '' } = error;
  // A server may have chosen the words.
  const message = oneLine(error.message);
  const place = `${target.host} port ${target.port}`;
  if (code === 'ECONNREFUSED') {
    return { why: `${place} refused the connection.`, remedy: 'is sshd running there, and on that port?' };
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return {
      why: `the name ${target.host} can't be resolved.`,
      remedy: 'correct host, or add it to the SSH config or DNS of the runner.',
    };
  }
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH') {
    return { why: `there is no route to ${place}.`, remedy: 'check the address and the network of the runner.' };
  }
  if (code === 'ETIMEDOUT' || level === 'client-timeout') {
    return {
      why: `${place} did not answer within ${target.connectTimeoutSeconds} s.`,
      remedy: 'check the address, the firewall, and whether the host is up; a slow one needs connect-timeout-seconds.',
    };
  }
  if (code === 'ECONNRESET' || /lost before handshake/i.test(message)) {
    return {
      why: `${place} closed the connection before the login.`,
      remedy: 'is the server full (MaxStartups), or is this address banned there (fail2ban, PerSourcePenalties)?',
    };
  }
  if (level === 'client-authentication') return loginRefused(target, { offered, skipped });
  if (/no matching/i.test(message)) {
    return {
      why: `no algorithm in common: ${message}.`,
      remedy: 'update the SSH server there; outdated algorithms are not used.',
    };
  }
  if (/protocol|handshake|ident|version/i.test(message) || level === 'protocol') {
    return { why: `${place} does not speak SSH as expected: ${message}.`, remedy: 'is an SSH server on that port?' };
  }
  return { why: `${message}.`, remedy: 'check the address, the port and the SSH server there.' };
}

function loginRefused({ user }: Target, { offered, skipped }: Tried): Told {
  const methods = offered.filter((entry) => entry.startsWith('(server: ')).at(-1);
  const keys = offered.filter((entry) => !entry.startsWith('(server: '));
  const left = methods?.slice('(server: '.length, -1) ?? '';
  const notes = skipped.length > 0 ? ` Not offered: ${skipped.join('; ')}.` : '';
  if (keys.length === 0 && !left) {
    return {
      why: `there is no key to log in with.${notes}`,
      remedy: 'set ssh-key, or put a key where the SSH config or agent of the runner has it.',
    };
  }
  if (left && !left.split(', ').includes('publickey')) {
    return {
      why: `the server accepts no keys for ${user}, only ${left}.`,
      remedy: 'allow PubkeyAuthentication there.',
    };
  }
  if (keys.length === 0) {
    return {
      why: `there is no key to log in with.${notes}`,
      remedy: 'set ssh-key, or put a key where the SSH config or agent of the runner has it.',
    };
  }
  return {
    why: `the server accepts none of the keys offered for ${user}: ${keys.join(', ')}.${notes}`,
    remedy: `add the public key to ~/.ssh/authorized_keys of ${user} there, or correct user and ssh-key.`,
  };
}

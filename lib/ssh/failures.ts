import type { Failure } from '../errors.ts';
import { oneLine } from '../foreign.ts';
import type { Offers } from './offer.ts';
import type { Target } from './target.ts';

interface Told {
  why: string;
  remedy: string;
  /** What the server said, as it came. */
  output?: string;
}

interface Tried {
  offers: Offers;
  /** Identities that could not be offered, and why. */
  skipped: readonly string[];
  /** What the server offered in the handshake, by what it is for. */
  algorithms: Readonly<Record<string, string>>;
}

type SocketError = Error & { code?: string | number; level?: string };

/** Whether trying again can help: the network was at fault, not a key. */
export function isTransient(error: unknown): boolean {
  const { code = '', level, message = '' } = (error ?? {}) as SocketError;
  if (CLOSED.test(message)) return true;
  if (
    ['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EPIPE', 'EAI_AGAIN'].includes(`${code}`)
  )
    return true;
  return level === 'client-timeout';
}

/** Whether a target could not be reached at all. One that refuses a login, or whose key is not the known one, was reached. */
export function isUnreachable({ fields: { cause } }: Failure): boolean {
  return cause !== undefined && (isTransient(cause) || (cause as SocketError).code === 'ENOTFOUND');
}

/** Whether OpenSSH may get through where the built-in client could not: newer algorithms, a banner of any length. */
export function mayNeedOpenSsh(error: unknown): boolean {
  const { message = '' } = (error ?? {}) as SocketError;
  return /no matching|bad packet length/i.test(message);
}

const CLOSED = /lost before handshake|No response from server/i;

/** Why the login failed, in words, by what the library reports. */
export function whyNotConnected(error: SocketError, target: Target, tried: Tried): Told {
  const { code = '', level = '' } = error;
  // A server may have chosen the words.
  const message = oneLine(error.message);
  const place = `${target.host} port ${target.port}`;
  if (code === 'ECONNREFUSED') {
    return {
      why: `${place} refused the connection.`,
      remedy: 'check that sshd is running there and listens on that port.',
    };
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
  if (code === 'EADDRNOTAVAIL') {
    return {
      why: `the runner can't connect to ${place} from ${target.bindAddress ?? 'any of its addresses'}.`,
      remedy: 'correct BindAddress and AddressFamily in the SSH config.',
    };
  }
  if (!CLOSED.test(message) && (code === 'ETIMEDOUT' || level === 'client-timeout')) {
    if (tried.offers.keys.length > 0) {
      return {
        why: `${place} did not finish the login within ${target.connectTimeoutSeconds} s.`,
        remedy: 'check what logins wait for there (PAM, a directory, DNS); a slow one needs connect-timeout-seconds.',
      };
    }
    return {
      why: `${place} did not answer within ${target.connectTimeoutSeconds} s.`,
      remedy: 'check the address, the firewall, and whether the host is up; a slow one needs connect-timeout-seconds.',
    };
  }
  if (level === 'client-authentication') return loginRefused(target, tried);
  if (/too many authentication failures/i.test(message)) return tooManyKeys(target, tried);
  if (code === 'ECONNRESET' || CLOSED.test(message)) return closed(place, tried);
  if (/bad packet length/i.test(message)) {
    return {
      why: `${place} sent a packet above 35 kB, more than the built-in client reads: most likely its Banner.`,
      remedy: 'shorten the file that Banner in sshd_config names.',
    };
  }
  if (/no matching/i.test(message)) return noCommonAlgorithm(message, tried);
  if (/protocol|handshake|ident|version/i.test(message) || level === 'protocol') {
    return {
      why: `${place} does not speak SSH as expected: ${message}.`,
      remedy: 'check that an SSH server listens on that port.',
    };
  }
  return { why: `${message}.`, remedy: 'check the address, the port and the SSH server there.' };
}

function closed(place: string, { offers }: Tried): Told {
  if (offers.keys.length === 0) {
    return {
      why: `${place} closed the connection before the login.`,
      remedy: 'check there whether it is full (MaxStartups) or bans this address (fail2ban, PerSourcePenalties).',
    };
  }
  return {
    why: `${place} closed the connection during the login.`,
    remedy:
      'check the log of the SSH server there: it may not admit this account (AllowUsers, DenyUsers, an expired account).',
  };
}

/** Reads what the server offers from the library's debug lines. */
export function serverAlgorithms() {
  const found: Record<string, string> = {};
  return {
    read: (line: string) => {
      const [, name, list] = /^Handshake: \(remote\) (.+?): (.*)$/.exec(line) ?? [];
      if (name !== undefined && list !== undefined) found[name] = list;
    },
    found: () => found,
  };
}

const ALGORITHM_KINDS: readonly [pattern: RegExp, name: string, keyword: string][] = [
  [/key exchange/i, 'KEX method', 'KexAlgorithms'],
  [/host key/i, 'Host key format', 'HostKeyAlgorithms'],
  [/cipher/i, 'C->S cipher', 'Ciphers'],
  [/mac/i, 'C->S MAC', 'MACs'],
  [/compression/i, 'C->S compression', 'Compression'],
];

function noCommonAlgorithm(message: string, { algorithms }: Tried): Told {
  const [, name = '', keyword = ''] = ALGORITHM_KINDS.find(([pattern]) => pattern.test(message)) ?? [];
  const list = algorithms[name]?.replaceAll(',', ', ');
  const only = list ? ` The server offers only ${list}.` : '';
  return {
    why: `no algorithm in common: ${message.replace(/^Handshake failed: /, '')}.${only}`,
    remedy: `allow further algorithms in sshd_config there (${keyword}), or update the server; outdated ones are not used.`,
  };
}

function loginRefused({ user }: Target, { offers, skipped }: Tried): Told {
  const { keys, methods, partial, accepted, prompts } = offers;
  const notes = skipped.length > 0 ? ` Not offered: ${skipped.join('; ')}.` : '';
  if (partial) {
    const asked = prompts.length > 0 ? ` It asks: ${prompts.join(' ')}` : '';
    return {
      why: `the server accepted the key (${accepted}) and wants a second factor besides: ${methods.join(', ')}.${asked}`,
      remedy: `let ${user} log in with a key alone there (Match User ${user}, AuthenticationMethods publickey), or use another account.`,
    };
  }
  if (methods.length > 0 && !methods.includes('publickey')) {
    return {
      why: `the server accepts no keys for ${user}, only ${methods.join(', ')}.`,
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

function tooManyKeys({ user }: Target, { offers: { keys } }: Tried): Told {
  const count = keys.length === 1 ? 'the first key' : `${keys.length} keys`;
  return {
    why: `the server ended the login for ${user} after ${count} (MaxAuthTries): ${keys.join(', ')}.`,
    remedy: 'give the right key alone in ssh-key, or name it in the SSH config with IdentityFile and IdentitiesOnly.',
  };
}

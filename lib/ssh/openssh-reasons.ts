import { oneLine } from '../foreign.ts';
import type { SshLog, SshStage } from './openssh-log.ts';

/** Why a connection by OpenSSH failed, in our words. */
export interface OpenSshFailure {
  why: string;
  remedy: string;
  /** As the built-in client has them: what a further attempt can help with. */
  code?: string;
}

/** What the step knows besides what ssh printed. */
export interface Circumstances {
  log: SshLog;
  limitSeconds: number;
  /** Set when the limit passed before ssh was done. */
  isLate: boolean;
  /** The host key as a line of known_hosts, where the server was asked to show it. */
  offeredLine: string | undefined;
  /** What is wrong with the certificates that were offered, as far as the runner can see that. */
  certificateNotes: readonly string[];
}

export function late(at: Circumstances): OpenSshFailure {
  const { log, limitSeconds } = at;
  const stage = log.stages.at(-1);
  if (stage && !stage.isIn && stage.offered.length > 0) {
    return {
      why: `${place(stage.host, stage.port)} did not finish the login within ${limitSeconds} s.`,
      remedy: 'check what logins wait for there (PAM, a directory, DNS); a slow one needs connect-timeout-seconds.',
      code: 'ETIMEDOUT',
    };
  }
  if (stage?.isIn) {
    return {
      why: `the jump host ${nameOf(stage)} can't reach the next one: ${`no answer within ${limitSeconds} s`}.`,
      remedy: 'check the address from the jump host, and AllowTcpForwarding there.',
      code: 'ETIMEDOUT',
    };
  }
  return {
    why: `${placeOf(at)} did not answer within ${limitSeconds} s.`,
    remedy: 'check the address, the firewall, and whether the host is up; a slow one needs connect-timeout-seconds.',
    code: 'ETIMEDOUT',
  };
}

export function revoked(at: Circumstances): OpenSshFailure {
  return {
    why: `its host key is marked as revoked: ${hostKeyOf(at)}.`,
    remedy: 'find out which host answers there, and why its key was revoked.',
  };
}

export function changed(at: Circumstances): OpenSshFailure {
  return {
    why: `its host key has changed: it offers ${hostKeyOf(at)}, which is not the one known for it.`,
    remedy: `find out why before you trust it (new machine, or somebody in between). If it is right, replace its known_hosts line${lineOf(at)}`,
  };
}

export function unknown(at: Circumstances): OpenSshFailure {
  return {
    why: `its host key is unknown: it offers ${hostKeyOf(at)}.`,
    remedy: `compare the fingerprint with the host's own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub there), then add its line to known-hosts${lineOf(at)}`,
  };
}

function lineOf({ offeredLine }: Circumstances): string {
  return offeredLine === undefined ? '.' : `:\n${offeredLine}`;
}

export function tooManyKeys({ log }: Circumstances): OpenSshFailure {
  const { user = '', offered = [] } = log.stages.at(-1) ?? {};
  const count = offered.length === 1 ? 'the first key' : `${offered.length} keys`;
  return {
    why: `the server ended the login for ${user} after ${count} (MaxAuthTries): ${offered.join(', ')}.`,
    remedy: 'give the right key alone in ssh-key, or name it in the SSH config with IdentityFile and IdentitiesOnly.',
  };
}

export function refused(methods: readonly string[], { log, certificateNotes }: Circumstances): OpenSshFailure {
  const { user = 'the account', offered = [], accepted, partial } = log.stages.at(-1) ?? {};
  const notes = [...certificateNotes, ...unusableKeys(log)].map((note) => ` ${note}.`).join('');
  if (partial) {
    return {
      why: `the server accepted the key (${accepted?.label}) and wants a second factor besides: ${methods.join(', ')}.${notes}`,
      remedy: `let ${user} log in with a key alone there (Match User ${user}, AuthenticationMethods publickey), or use another account.`,
    };
  }
  if (!methods.includes('publickey')) {
    return {
      why: `the server accepts no keys for ${user}, only ${methods.join(', ')}.`,
      remedy: 'allow PubkeyAuthentication there.',
    };
  }
  if (offered.length === 0) {
    return {
      why: `there is no key to log in with.${notes}`,
      remedy: 'set ssh-key, or put a key where the SSH config or agent of the runner has it.',
    };
  }
  return {
    why: `the server accepts none of the keys offered for ${user}: ${offered.join(', ')}.${notes}`,
    remedy: `add the public key to ~/.ssh/authorized_keys of ${user} there, or correct user and ssh-key.`,
  };
}

/** Keys that ssh could not use, in its words. */
function unusableKeys({ sentences }: SshLog): string[] {
  return sentences
    .filter((line) => /^(Load key|Load certificate|sign_and_send_pubkey|Confirm user presence)/.test(line))
    .map((line) => oneLine(line).replace(/\.$/, ''));
}

export function closed(at: Circumstances): OpenSshFailure {
  const { offered = [] } = at.log.stages.at(-1) ?? {};
  if (offered.length === 0) {
    return {
      why: `${placeOf(at)} closed the connection before the login.`,
      remedy: 'check there whether it is full (MaxStartups) or bans this address (fail2ban, PerSourcePenalties).',
      code: 'ECONNRESET',
    };
  }
  return {
    why: `${placeOf(at)} closed the connection during the login.`,
    remedy:
      'read the log of the SSH server there: it may not admit this account (AllowUsers, DenyUsers, an expired account).',
    code: 'ECONNRESET',
  };
}

export function hostKeyOf({ log }: Circumstances): string {
  return log.stages.at(-1)?.hostKey ?? 'none';
}

export function nameOf(stage: SshStage | undefined): string {
  return stage ? `${stage.user}@${stage.host}:${stage.port}` : 'on the way';
}

export function placeOf({ log }: Circumstances): string {
  const stage = log.stages.at(-1);
  if (stage) return place(stage.host, stage.port);
  return log.address ? place(log.address.ip, log.address.port) : 'the host';
}

export function place(host: string | undefined, port: string | number | undefined): string {
  return `${host} port ${port}`;
}

export function lower(text: string | undefined): string {
  return (text ?? '').replace(/^./, (first) => first.toLowerCase()).replace(/\.$/, '');
}

import { ConfigError } from './config.ts';
import { type SshSettings, settingOf } from './openssh-settings.ts';
import { nameOf, type SshFound } from './openssh-version.ts';
import type { Target } from './target.ts';

/** What the choice between the two clients rests on. */
export interface TransportFacts {
  wanted: 'auto' | 'builtin' | 'openssh';
  ssh: SshFound;
  /** What `ssh -G` says; undefined where it said nothing that can be used. */
  settings: SshSettings | undefined;
  /** How the built-in client reads the same config, or why it can't follow it. */
  builtin: Target | ConfigError;
  /** `ssh-key` is set: the runner's own identities do not count. */
  hasKey: boolean;
  /** `ssh-certificate` is set. */
  hasCertificate: boolean;
  /** Identities of the runner that the built-in client can't use, each with its file or agent. */
  foreignIdentities: readonly string[];
  /** The host's key is known by a certificate authority alone. */
  isKnownByAuthority: boolean;
  /** The runner has Kerberos tickets. */
  hasTickets: boolean;
}

export type TransportChoice =
  | { transport: 'builtin' }
  | { transport: 'openssh'; because: string }
  | { transport: 'none'; why: string; remedy: string };

const INSTALL = 'install OpenSSH 8.0 or later where the job runs (openssh-client)';

/** Which client connects, and why. */
export function chooseTransport(facts: TransportFacts): TransportChoice {
  const { wanted, ssh, hasCertificate } = facts;
  if (wanted === 'builtin' && hasCertificate)
    return none('the built-in client knows no certificates', 'leave out `transport: builtin`, or `ssh-certificate`.');
  if (wanted === 'builtin') return { transport: 'builtin' };
  if ('unusable' in ssh) return withoutSsh(facts, ssh.unusable);
  if (wanted === 'openssh') return { transport: 'openssh', because: '`transport` is `openssh`' };
  const because = [...configNeeds(facts), ...identityNeeds(facts), ...differences(facts)];
  return because.length > 0 ? { transport: 'openssh', because: because.join('; ') } : { transport: 'builtin' };
}

/** The one line that the log has of it. */
export function choiceLine(choice: TransportChoice, ssh: SshFound): string | undefined {
  if (choice.transport !== 'openssh' || 'unusable' in ssh) return undefined;
  return `Connecting with the runner's OpenSSH ${nameOf(ssh.version)}, because ${choice.because}.`;
}

function withoutSsh(facts: TransportFacts, unusable: string): TransportChoice {
  if (facts.wanted === 'openssh')
    return none(`\`transport: openssh\` needs OpenSSH, and ${unusable}`, `${INSTALL}, or leave out \`transport\`.`);
  const [need] = configNeeds(facts);
  if (need === undefined) return { transport: 'builtin' };
  const remedy = facts.builtin instanceof ConfigError ? facts.builtin.remedy?.replace(/\.$/, '') : undefined;
  return none(`${need}, and ${unusable}`, `${INSTALL}${remedy === undefined ? '' : `, or: ${remedy}`}.`);
}

function none(why: string, remedy: string): TransportChoice {
  return { transport: 'none', why: `${why}.`, remedy };
}

/** Without OpenSSH there is no way to the host. */
function configNeeds({ builtin, settings, hasCertificate, isKnownByAuthority, ssh }: TransportFacts): string[] {
  const needs = hasCertificate ? ['`ssh-certificate` is set'] : [];
  if (isKnownByAuthority) needs.push('the host is known by a certificate authority alone (@cert-authority)');
  if (!(builtin instanceof ConfigError)) return needs;
  // What ssh can't read either is an error of the config, and reported as such.
  const canFollow = 'version' in ssh ? settings !== undefined : /not supported|not known/.test(builtin.message);
  return canFollow ? [...needs, builtin.message.replace(', which is not supported', '')] : needs;
}

/** Without OpenSSH another identity may do. */
function identityNeeds({ hasKey, foreignIdentities, hasTickets, settings }: TransportFacts): string[] {
  if (hasKey || !settings) return [];
  const isOn = (name: string) => settingOf(settings, name) === 'yes';
  return [
    ...foreignIdentities,
    ...(hasTickets && isOn('gssapiauthentication')
      ? ['GSSAPIAuthentication is on, and there is a Kerberos ticket']
      : []),
    ...(isOn('hostbasedauthentication') ? ['HostbasedAuthentication is on'] : []),
  ];
}

/** Another host, account or port than ssh's would be the worst mistake of all. */
function differences({ builtin, settings }: TransportFacts): string[] {
  if (builtin instanceof ConfigError || !settings) return [];
  const pairs: [name: string, ours: string, theirs: string | undefined][] = [
    ['HostName', builtin.host, settingOf(settings, 'hostname')],
    ['User', builtin.user, settingOf(settings, 'user')],
    ['Port', String(builtin.port), settingOf(settings, 'port')],
    ['HostKeyAlias', builtin.hostKeyAlias ?? '', settingOf(settings, 'hostkeyalias') ?? ''],
    ['ProxyJump', String(builtin.jumps.length > 0), String(settingOf(settings, 'proxyjump') !== undefined)],
  ];
  return pairs
    .filter(([, ours, theirs]) => theirs !== undefined && ours.toLowerCase() !== theirs.toLowerCase())
    .map(([name]) => `it reads ${name} of the SSH config differently`);
}

import { isSince, type SshVersion } from './openssh-version.ts';

/** What the SSH config of one connection is made of, besides the runner's own. */
export interface OwnConfig {
  version: SshVersion;
  checking: 'yes' | 'accept-new' | 'no';
  /** The only one that counts; undefined for those of the runner. */
  knownHostsFile: string | undefined;
  /** An agent with the keys of `ssh-key`; undefined for the identities of the runner. */
  agentSocket: string | undefined;
  certificateFiles: readonly string[];
  /** Inputs; undefined leaves it to the runner's config. */
  connectTimeoutSeconds: number | undefined;
  keepaliveSeconds: number | undefined;
  /** While a login is slow on the host it answers no keepalive. */
  keepaliveMissed: number | undefined;
  runnerConfig: RunnerConfig;
}

/** The runner's own SSH config. */
export interface RunnerConfig {
  /** In the order in which ssh reads them. */
  files: readonly string[];
  /** Those of several homes; empty where ssh looks in the right one anyway. */
  usual: { identityFiles: readonly string[]; knownHostsFiles: readonly string[] };
}

const CONNECT_SECONDS = 15;
const KEEPALIVE_SECONDS = 5;
const KEEPALIVES_MISSED = 3;

/** Whatever the runner's config says: nobody is there to answer, and a connection carries our commands and nothing else. */
const ALWAYS = [
  'LogLevel DEBUG1',
  'PasswordAuthentication no',
  'NumberOfPasswordPrompts 1',
  'UpdateHostKeys no',
  'AddKeysToAgent no',
  'ForwardAgent no',
  'ForwardX11 no',
  'ClearAllForwardings yes',
  'PermitLocalCommand no',
  'RemoteCommand none',
  'RequestTTY no',
  'Tunnel no',
  'Compression no',
  // Those of hops: a master that outlives the step would be one of its processes.
  'ControlMaster no',
  'ControlPath none',
  'ControlPersist no',
];
const ALWAYS_SINCE_8_7 = ['SessionType default', 'StdinNull no', 'ForkAfterAuthentication no'];

/**
 * The config of one connection, hops included: ssh hands its config, and no other option, on to them. The first value of a keyword
 * wins, so inputs stand before the runner's config, and defaults after it.
 */
export function ownConfig(own: OwnConfig): string {
  const { version, runnerConfig } = own;
  return [
    ...ALWAYS,
    ...(isSince(version, { major: 8, minor: 7 }) ? ALWAYS_SINCE_8_7 : []),
    ...hostKeyLines(own),
    ...identityLines(own),
    ...timeLines(own),
    ...runnerConfig.files.flatMap((path) => ['Match all', `Include ${quoted(path)}`]),
    'Match all',
    `ConnectTimeout ${CONNECT_SECONDS}`,
    `ServerAliveInterval ${KEEPALIVE_SECONDS}`,
    `ServerAliveCountMax ${KEEPALIVES_MISSED}`,
    // In hardware on most machines; the default cipher is not.
    ...(isSince(version, { major: 8, minor: 1 }) ? ['Ciphers ^aes128-gcm@openssh.com'] : []),
    ...usualLines(runnerConfig),
    '',
  ].join('\n');
}

/** The runner's config alone, for `ssh -G`: what the connection would be without our inputs. */
export function configToAsk({ files, usual }: RunnerConfig): string {
  return [
    ...files.flatMap((path) => ['Match all', `Include ${quoted(path)}`]),
    'Match all',
    ...usualLines({ files, usual }),
    '',
  ].join('\n');
}

function usualLines({ usual }: RunnerConfig): string[] {
  const known = usual.knownHostsFiles;
  return [
    ...usual.identityFiles.map((file) => `IdentityFile ${quoted(file)}`),
    ...(known.length > 0 ? [`UserKnownHostsFile ${known.map(quoted).join(' ')}`] : []),
  ];
}

function hostKeyLines({ version, checking, knownHostsFile }: OwnConfig): string[] {
  const lines = [`StrictHostKeyChecking ${checking}`];
  if (knownHostsFile === undefined) return lines;
  lines.push(`UserKnownHostsFile ${quoted(knownHostsFile)}`, 'GlobalKnownHostsFile /dev/null', 'VerifyHostKeyDNS no');
  return isSince(version, { major: 8, minor: 5 }) ? [...lines, 'KnownHostsCommand none'] : lines;
}

function identityLines({ agentSocket, certificateFiles }: OwnConfig): string[] {
  if (agentSocket === undefined) return certificateFiles.map((file) => `CertificateFile ${quoted(file)}`);
  return [
    `IdentityAgent ${quoted(agentSocket)}`,
    'IdentityFile none',
    'IdentitiesOnly no',
    'GSSAPIAuthentication no',
    'HostbasedAuthentication no',
    ...certificateFiles.map((file) => `CertificateFile ${quoted(file)}`),
  ];
}

function timeLines({ connectTimeoutSeconds, keepaliveSeconds, keepaliveMissed }: OwnConfig): string[] {
  const lines: [keyword: string, value: number | undefined][] = [
    ['ConnectTimeout', connectTimeoutSeconds],
    ['ServerAliveInterval', keepaliveSeconds],
    ['ServerAliveCountMax', keepaliveMissed],
  ];
  return lines.filter(([, value]) => value !== undefined).map(([keyword, value]) => `${keyword} ${value}`);
}

function quoted(path: string): string {
  return `"${path}"`;
}

/** Where to, as the inputs say; what they leave open is up to the config. */
export interface Destination {
  host: string;
  user: string | undefined;
  port: number | undefined;
  proxyJump: string | undefined;
}

/** The words that ask ssh how it would connect. */
export function questionWords(config: string | undefined, to: Destination): string[] {
  return ['-G', ...(config === undefined ? [] : ['-F', config]), ...destinationWords(to)];
}

/** The words of a connection that runs nothing, and lets further calls of ssh run commands through `socket`. */
export function masterWords(config: string, socket: string, to: Destination): string[] {
  return ['-F', config, '-M', '-S', socket, '-o', 'ControlPersist=no', '-N', '-T', ...destinationWords(to)];
}

/** The words of one command through that connection; never over one of its own, which `false` prevents. */
export function sessionWords(socket: string, command: string): string[] {
  return ['-v', '-F', 'none', '-S', socket, '-o', 'ProxyCommand=false', '-T', '--', 'host', command];
}

/** The words that let a server show its host key to `file`, and log in nowhere. */
export function hostKeyWords(config: string, file: string, to: Destination): string[] {
  const options = [
    'StrictHostKeyChecking=accept-new',
    `UserKnownHostsFile=${file}`,
    'GlobalKnownHostsFile=/dev/null',
    'HashKnownHosts=no',
    'PreferredAuthentications=none',
  ];
  return ['-F', config, ...options.flatMap((option) => ['-o', option]), '-N', '-T', ...destinationWords(to)];
}

function destinationWords({ host, user, port, proxyJump }: Destination): string[] {
  return [
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...(proxyJump === undefined ? [] : ['-J', proxyJump]),
    '--',
    host,
  ];
}

import { type HostConfig, refusedKeyword } from './config.ts';
import { type Container, containerName } from './container.ts';
import type { WrittenHost } from './inputs.ts';
import { expandTilde, expandTokens } from './tokens.ts';

/** Where to connect and how, after the SSH config had its say. */
export interface Target {
  /** As the user wrote it. */
  written: string;
  user: string;
  host: string;
  port: number;
  /** `user@host:port` or `user@host:port/lxd:NAME`, as it is told everywhere. */
  name: string;
  /** Where on the host everything runs, and how it is entered; undefined for the host itself. */
  container: (Container & { sudo: 'auto' | 'always' | 'never' }) | undefined;
  /** 4 or 6 for addresses of that kind only, 0 for both. */
  addressFamily: 0 | 4 | 6;
  bindAddress: string | undefined;
  hostKeyAlias: string | undefined;
  /** As ssh_config(5) writes it, with `+`, `-` or `^` in front. */
  hostKeyAlgorithms: string | undefined;
  rsaBitsAtLeast: number;
  /** Files with keys, those of the SSH config or the usual ones; the config's are `named`. */
  identityFiles: { path: string; named: boolean }[];
  identitiesOnly: boolean;
  /** What the SSH config names besides, that can't be offered, and why. */
  notOffered: string[];
  /** The agent's socket; undefined for none. */
  agent: string | undefined;
  knownHostsFiles: string[];
  /** Where a new host key is remembered; undefined for nowhere. */
  newKeysFile: string | undefined;
  hashKnownHosts: boolean;
  strictHostKeyChecking: string | undefined;
  connectTimeoutSeconds: number;
  keepaliveSeconds: number;
  keepaliveMissed: number;
  /** Hops as written, nearest first. */
  jumps: string[];
}

/** The runner, as far as the config asks for it. */
export interface Runner {
  localUser: string;
  /** Home folders of the account, the one that ssh uses first. */
  homes: readonly string[];
  homeOf: (account: string) => string | undefined;
  hostname: string;
  uid: number;
  /** The runner's environment. */
  env: (name: string) => string | undefined;
}

/** Inputs, which win over the config. */
export interface TargetInputs {
  user: string | undefined;
  port: number | undefined;
  proxyJump: string | undefined;
  connectTimeoutSeconds: number | undefined;
  keepaliveSeconds: number | undefined;
  container: Target['container'];
}

/** The usual files; those of security keys can only be named in an error. */
const USUAL_FILES = ['id_ed25519', 'id_ecdsa', 'id_rsa', 'id_ecdsa_sk', 'id_ed25519_sk'];
const FAMILIES: Record<string, 0 | 4 | 6> = { inet: 4, inet6: 6 };

/** Puts inputs, the written host and the SSH config together; throws ConfigError for what can't be followed. */
export function resolveTarget(
  written: WrittenHost,
  config: HostConfig,
  { runner, inputs }: { runner: Runner; inputs: TargetInputs },
): Target {
  const { host, values } = config;
  const one = (name: string) => values.get(name)?.[0];
  const number = (name: string) => Number(one(name) ?? 0);
  const user = inputs.user ?? written.user ?? one('user') ?? runner.localUser;
  const port = inputs.port ?? written.port ?? (number('port') || 22);
  const { container } = inputs;
  const paths = pathsFor({ written, host, port, user, alias: one('hostkeyalias')?.toLowerCase() }, runner);
  const identityFiles = (values.get('identityfile') ?? [])
    .filter((file) => file.toLowerCase() !== 'none')
    .flatMap((file) => paths(file));
  const usualFiles = values.has('identityfile') ? [] : USUAL_FILES.flatMap((name) => paths(`~/.ssh/${name}`));
  const userFiles = (values.get('userknownhostsfile') ?? ['~/.ssh/known_hosts', '~/.ssh/known_hosts2'])
    .filter((file) => file.toLowerCase() !== 'none')
    .flatMap((file) => paths(file));
  const globalFiles = (values.get('globalknownhostsfile') ?? GLOBAL_KNOWN_HOSTS)
    .filter((file) => file.toLowerCase() !== 'none')
    .map((file) => expandTilde(file, runner.homes[0] ?? '/', runner.homeOf));
  return {
    written: written.host,
    user,
    host,
    port,
    name: `${user}@${host.includes(':') ? `[${host}]` : host}:${port}${container ? `/${containerName(container)}` : ''}`,
    container,
    addressFamily: FAMILIES[one('addressfamily') ?? ''] ?? 0,
    bindAddress: one('bindaddress'),
    hostKeyAlias: one('hostkeyalias')?.toLowerCase(),
    hostKeyAlgorithms: one('hostkeyalgorithms'),
    rsaBitsAtLeast: number('requiredrsasize') || 1024,
    identityFiles: [
      ...identityFiles.map((path) => ({ path, named: true })),
      ...usualFiles.map((path) => ({ path, named: false })),
    ],
    identitiesOnly: one('identitiesonly') === 'yes',
    notOffered: notOffered(config),
    agent: agentOf(one('identityagent'), runner, (path) => paths(path)[0]),
    knownHostsFiles: [...userFiles, ...globalFiles],
    newKeysFile: newKeysFile(userFiles, values.has('userknownhostsfile'), runner),
    hashKnownHosts: one('hashknownhosts') === 'yes',
    strictHostKeyChecking: one('stricthostkeychecking'),
    // 0 is no limit there; here everything has one.
    connectTimeoutSeconds: inputs.connectTimeoutSeconds ?? (number('connecttimeout') || 15),
    keepaliveSeconds: inputs.keepaliveSeconds ?? (number('serveraliveinterval') || 5),
    keepaliveMissed: number('serveralivecountmax') || 3,
    jumps: jumpsOf(config, inputs),
  };
}

const GLOBAL_KNOWN_HOSTS = ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'];

/** Of ProxyJump and ProxyCommand the one that is set first wins, and an input over both. */
function jumpsOf(config: HostConfig, { proxyJump }: TargetInputs): string[] {
  const ways = [...config.places.keys()].filter((name) => name === 'proxyjump' || name === 'proxycommand');
  const jumping = proxyJump !== undefined || ways[0] === 'proxyjump';
  const refused = refusedKeyword(config, jumping ? ['proxycommand'] : []);
  if (refused) throw refused;
  const configured = ways[0] === 'proxyjump' ? config.values.get('proxyjump')?.[0] : undefined;
  return (proxyJump ?? configured ?? '')
    .split(',')
    .map((jump) => jump.trim())
    .filter((jump) => jump !== '' && jump.toLowerCase() !== 'none');
}

/** Makes paths of what the config says: below every home of the account, with its tokens and variables replaced. */
function pathsFor(
  at: { written: WrittenHost; host: string; port: number; user: string; alias: string | undefined },
  { homes, homeOf, hostname, uid, localUser, env }: Runner,
): (value: string) => string[] {
  const tokens = {
    L: hostname.replace(/\..*$/, ''),
    d: homes[0] ?? '/',
    h: at.host,
    i: String(uid),
    k: at.alias ?? at.written.host,
    l: hostname,
    n: at.written.host,
    p: String(at.port),
    r: at.user,
    u: localUser,
  };
  return (value) => {
    const expanded = homes.map((home) => expandTilde(value, home, homeOf));
    return [...new Set(expanded.map((path) => expandTokens(path, tokens, env)))];
  };
}

/** Below $HOME where that is another folder: what a job writes belongs to the job. */
function newKeysFile(userFiles: readonly string[], named: boolean, { homes }: Runner): string | undefined {
  return named || userFiles.length === 0 ? userFiles[0] : `${homes.at(-1)}/.ssh/known_hosts`;
}

function agentOf(
  configured: string | undefined,
  { env }: Runner,
  path: (value: string) => string | undefined,
): string | undefined {
  if (configured === undefined || configured === 'SSH_AUTH_SOCK') return env('SSH_AUTH_SOCK');
  if (/^\$\w+$/.test(configured)) return env(configured.slice(1));
  return configured.toLowerCase() === 'none' ? undefined : path(configured);
}

function notOffered({ values }: HostConfig): string[] {
  const certificates = (values.get('certificatefile') ?? []).map((file) => `CertificateFile ${file}`);
  const provider = values.get('pkcs11provider')?.filter((file) => file !== 'none') ?? [];
  return [...certificates, ...provider.map((file) => `PKCS11Provider ${file}`)].map(
    (what) => `${what}: the built-in client can't use it`,
  );
}

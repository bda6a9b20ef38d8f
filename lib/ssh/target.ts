import { ConfigError, type HostConfig } from './config.ts';
import type { Container } from './container.ts';
import type { WrittenHost } from './inputs.ts';

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
  hostKeyAlias: string | undefined;
  identityFiles: string[];
  identitiesOnly: boolean;
  /** The agent's socket; undefined for none. */
  agent: string | undefined;
  knownHostsFiles: string[];
  strictHostKeyChecking: string | undefined;
  connectTimeoutSeconds: number;
  keepaliveSeconds: number;
  keepaliveMissed: number;
  /** Hops as written, nearest first. */
  jumps: string[];
}

export interface TargetDefaults {
  localUser: string;
  home: string;
  /** The runner's environment. */
  env: (name: string) => string | undefined;
  /** Inputs win over the config. */
  user: string | undefined;
  port: number | undefined;
  proxyJump: string | undefined;
  connectTimeoutSeconds: number | undefined;
  keepaliveSeconds: number | undefined;
  container: Target['container'];
}

/** Puts inputs, the written host and the SSH config together; throws ConfigError for what can't be followed. */
export function resolveTarget(written: WrittenHost, config: HostConfig, defaults: TargetDefaults): Target {
  const one = (name: string) => config.get(name)?.[0];
  const { container } = defaults;
  const user = defaults.user ?? written.user ?? one('user') ?? defaults.localUser;
  const port = defaults.port ?? written.port ?? numberOf(one('port'), 'Port') ?? 22;
  const host = (one('hostname') ?? '%h').replaceAll('%h', written.host).replaceAll('%%', '%');
  const tokens: Record<string, string> = {
    '%': '%',
    d: defaults.home,
    h: host,
    p: String(port),
    r: user,
    u: defaults.localUser,
    n: written.host,
  };
  const path = (value: string) =>
    value
      .replace(/^~(?=\/|$)/, defaults.home)
      .replace(/%([%dhprun])/g, (_, token: string) => tokens[token] ?? '')
      .replace(/\$\{(\w+)\}/g, (_, name: string) => variable(name, defaults));
  // Of the two ways the one that is set first wins, and an input over both.
  const ways = [...config.keys()].filter((name) => name === 'proxyjump' || name === 'proxycommand');
  const way = defaults.proxyJump === undefined ? ways[0] : undefined;
  if (way === 'proxycommand' && one(way)?.toLowerCase() !== 'none') {
    throw new ConfigError(`ProxyCommand is set for ${written.host}, which is not supported; use ProxyJump`);
  }
  return {
    written: written.host,
    user,
    host,
    port,
    name: `${user}@${host.includes(':') ? `[${host}]` : host}:${port}${container ? `/${container.kind}:${container.name}` : ''}`,
    container,
    hostKeyAlias: one('hostkeyalias'),
    identityFiles: (config.get('identityfile') ?? []).filter((file) => file.toLowerCase() !== 'none').map(path),
    identitiesOnly: one('identitiesonly')?.toLowerCase() === 'yes',
    agent: agentOf(one('identityagent'), defaults, path),
    knownHostsFiles: (config.get('userknownhostsfile') ?? ['~/.ssh/known_hosts', '~/.ssh/known_hosts2'])
      .concat(config.get('globalknownhostsfile') ?? ['/etc/ssh/ssh_known_hosts'])
      .filter((file) => file.toLowerCase() !== 'none')
      .map(path),
    strictHostKeyChecking: one('stricthostkeychecking')?.toLowerCase(),
    // 0 is no limit there; here everything has one.
    connectTimeoutSeconds: defaults.connectTimeoutSeconds ?? (secondsOf(one('connecttimeout'), 'ConnectTimeout') || 15),
    keepaliveSeconds: defaults.keepaliveSeconds ?? (secondsOf(one('serveraliveinterval'), 'ServerAliveInterval') || 5),
    keepaliveMissed: numberOf(one('serveralivecountmax'), 'ServerAliveCountMax') || 3,
    jumps: (defaults.proxyJump ?? (way === 'proxyjump' ? one(way) : undefined) ?? '')
      .split(',')
      .map((jump) => jump.trim())
      .filter((jump) => jump !== '' && jump.toLowerCase() !== 'none'),
  };
}

function variable(name: string, { env }: TargetDefaults): string {
  const value = env(name);
  if (value === undefined) throw new ConfigError(`the environment variable ${name} is not set`);
  return value;
}

function agentOf(configured: string | undefined, defaults: TargetDefaults, path: (value: string) => string) {
  if (configured === undefined || configured === 'SSH_AUTH_SOCK') return defaults.env('SSH_AUTH_SOCK');
  if (/^\$\w+$/.test(configured)) return variable(configured.slice(1), defaults);
  return configured.toLowerCase() === 'none' ? undefined : path(configured);
}

function numberOf(value: string | undefined, keyword: string): number | undefined {
  if (value === undefined || value.toLowerCase() === 'none') return undefined;
  if (!/^\d+$/.test(value)) throw new ConfigError(`${keyword} '${value}' is no number`);
  return Number(value);
}

/** A time as sshd_config(5) writes it: seconds, or `1m30s`. */
function secondsOf(value: string | undefined, keyword: string): number | undefined {
  if (value === undefined || /^\d*$/.test(value) || value.toLowerCase() === 'none') return numberOf(value, keyword);
  if (!/^(\d+[smhdw])+$/i.test(value)) throw new ConfigError(`${keyword} '${value}' is no time`);
  const each = [...value.toLowerCase().matchAll(/(\d+)([smhdw])/g)];
  return each.reduce((seconds, [, count, unit]) => seconds + Number(count) * (UNIT_SECONDS[unit ?? 's'] ?? 1), 0);
}

const UNIT_SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

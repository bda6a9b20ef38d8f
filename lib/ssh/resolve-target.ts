import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { ActionContext } from '../action/action.ts';
import { ConnectionError } from '../errors.ts';
import { ConfigError, resolveConfig } from './config.ts';
import { configFiles, includedFiles } from './config-files.ts';
import { parseContainer } from './container.ts';
import { runnerAccount, runnerHomes } from './homes.ts';
import { type ConnectionInputs, parseHost, type WrittenHost } from './inputs.ts';
import { type SshSettings, settingOf } from './openssh-settings.ts';
import { type Runner, resolveTarget, type Target, type TargetInputs } from './target.ts';
import { TokenError } from './tokens.ts';

/** Where a written host is and how to log in there, by the inputs and the SSH config. */
export function targetOf(host: string, inputs: ConnectionInputs, context: ActionContext): Target {
  const target = readConfig(host, inputs, context);
  if (target instanceof ConfigError) throw configFailure(host, target);
  return target;
}

/** The same, or why the built-in client can't follow the SSH config. */
export function readConfig(host: string, inputs: ConnectionInputs, context: ActionContext): Target | ConfigError {
  const runner = runnerOf(context);
  const written = parseHost(host) as WrittenHost;
  if (written === undefined) return new ConfigError(`the jump host '${host}' is not a valid user@host:port`);
  const user = inputs.user ?? written.user;
  try {
    const files = configFiles(inputs['ssh-config'], runner.homes);
    const config = resolveConfig(files, { ...runner, host: written.host, user, include: includedFiles });
    return resolveTarget(written, config, { runner, inputs: targetInputs(inputs) });
  } catch (error) {
    if (error instanceof TokenError) return new ConfigError(error.message);
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

/** The same by what ssh says of its own config. */
export function targetBySsh(inputs: ConnectionInputs, settings: SshSettings, context: ActionContext): Target {
  const written = parseHost(inputs.host) as WrittenHost;
  const values = new Map<string, readonly string[]>(
    FROM_SSH.flatMap((name) => {
      const value = settingOf(settings, name);
      return value === undefined ? [] : [[name, [FLAGS[value] ?? value]] as const];
    }),
  );
  values.set('identityfile', settings.get('identityfile') ?? []);
  const config = { host: settingOf(settings, 'hostname') ?? written.host, values, places: new Map() };
  return resolveTarget(written, config, { runner: runnerOf(context), inputs: targetInputs(inputs) });
}

/** How `ssh -G` prints some of them. */
const FLAGS: Record<string, string> = { true: 'yes', false: 'no' };
const FROM_SSH = ['user', 'port', 'connecttimeout', 'serveraliveinterval', 'stricthostkeychecking', 'hostkeyalias'];

function targetInputs(inputs: ConnectionInputs): TargetInputs {
  const container = inputs.container === undefined ? undefined : parseContainer(inputs.container);
  return {
    user: inputs.user,
    port: inputs.port,
    proxyJump: inputs['proxy-jump'],
    connectTimeoutSeconds: inputs['connect-timeout-seconds'],
    keepaliveSeconds: inputs['keepalive-seconds'],
    container: container && { ...container, sudo: inputs.sudo },
  };
}

function runnerOf(context: ActionContext): Runner {
  return {
    localUser: runnerAccount()?.username ?? context.env('USER') ?? String(process.getuid?.()),
    homes: runnerHomes(context.env('HOME')),
    homeOf: (name) => homeIn(readPasswd(), name),
    hostname: hostname(),
    uid: process.getuid?.() ?? 0,
    env: context.env,
  };
}

function readPasswd(): string {
  try {
    return readFileSync('/etc/passwd', 'utf8');
  } catch {
    return '';
  }
}

function homeIn(passwd: string, account: string): string | undefined {
  const line = passwd.split('\n').find((entry) => entry.startsWith(`${account}:`));
  return line?.split(':')[5];
}

export function configFailure(host: string, error: ConfigError): ConnectionError {
  return new ConnectionError({
    what: `Reading the SSH config for ${host}`,
    why: `${error.message}.`,
    remedy: error.remedy ?? 'correct the config, or give another one with ssh-config.',
  });
}

import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { ActionContext } from '../action/action.ts';
import { ConnectionError } from '../errors.ts';
import { ConfigError, resolveConfig } from './config.ts';
import { configFiles, includedFiles } from './config-files.ts';
import { parseContainer } from './container.ts';
import { runnerAccount, runnerHomes } from './homes.ts';
import { type ConnectionInputs, parseHost, type WrittenHost } from './inputs.ts';
import { type Runner, resolveTarget, type Target } from './target.ts';
import { TokenError } from './tokens.ts';

/** Where a written host is and how to log in there, by the inputs and the SSH config. */
export function targetOf(host: string, inputs: ConnectionInputs, context: ActionContext): Target {
  const runner = runnerOf(context);
  const written = parseHost(host) as WrittenHost;
  if (written === undefined)
    throw configFailure(host, new ConfigError(`the jump host '${host}' is not a valid user@host:port`));
  const user = inputs.user ?? written.user;
  const container = inputs.container === undefined ? undefined : parseContainer(inputs.container);
  try {
    const files = configFiles(inputs['ssh-config'], runner.homes);
    const config = resolveConfig(files, { ...runner, host: written.host, user, include: includedFiles });
    return resolveTarget(written, config, {
      runner,
      inputs: {
        user: inputs.user,
        port: inputs.port,
        proxyJump: inputs['proxy-jump'],
        connectTimeoutSeconds: inputs['connect-timeout-seconds'],
        keepaliveSeconds: inputs['keepalive-seconds'],
        container: container && { ...container, sudo: inputs.sudo },
      },
    });
  } catch (error) {
    if (error instanceof TokenError) throw configFailure(host, new ConfigError(error.message));
    throw error instanceof ConfigError ? configFailure(host, error) : error;
  }
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

function configFailure(host: string, error: ConfigError): ConnectionError {
  return new ConnectionError({
    what: `Reading the SSH config for ${host}`,
    why: `${error.message}.`,
    remedy: error.remedy ?? 'correct the config, or give another one with ssh-config.',
  });
}

import { homedir, userInfo } from 'node:os';
import type { ActionContext } from '../action/action.ts';
import { ConnectionError } from '../errors.ts';
import { ConfigError, resolveConfig } from './config.ts';
import { configFiles, includedFiles } from './config-files.ts';
import { parseContainer } from './container.ts';
import { type ConnectionInputs, parseHost, type WrittenHost } from './inputs.ts';
import { resolveTarget, type Target } from './target.ts';

/** Where a written host is and how to log in there, by the inputs and the SSH config. */
export function targetOf(host: string, inputs: ConnectionInputs, context: ActionContext): Target {
  const home = context.env('HOME') ?? homedir();
  const localUser = accountName(context);
  const written = parseHost(host) as WrittenHost;
  if (written === undefined) throw configFailure(host, new ConfigError(`the jump host '${host}' is no user@host:port`));
  const user = inputs.user ?? written.user;
  const container = inputs.container === undefined ? undefined : parseContainer(inputs.container);
  try {
    const config = resolveConfig(configFiles(inputs['ssh-config'], home), {
      host: written.host,
      user,
      localUser,
      home,
      include: includedFiles,
    });
    return resolveTarget(written, config, {
      localUser,
      home,
      env: context.env,
      user: inputs.user,
      port: inputs.port,
      proxyJump: inputs['proxy-jump'],
      connectTimeoutSeconds: inputs['connect-timeout-seconds'],
      keepaliveSeconds: inputs['keepalive-seconds'],
      container: container && { ...container, sudo: inputs.sudo },
    });
  } catch (error) {
    throw error instanceof ConfigError ? configFailure(host, error) : error;
  }
}

/** The runner's account; one that a container was only given by number has no name. */
function accountName(context: ActionContext): string {
  try {
    return userInfo().username;
  } catch {
    return context.env('USER') ?? String(process.getuid?.());
  }
}

function configFailure(host: string, error: ConfigError): ConnectionError {
  return new ConnectionError({
    what: `Reading the SSH config for ${host}`,
    why: `${error.message}.`,
    remedy: 'correct the config, or give another one with ssh-config.',
  });
}

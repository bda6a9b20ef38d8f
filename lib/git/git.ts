import { getExecOutput } from '@actions/exec';

export interface GitResult {
  code: number;
  out: string;
  err: string;
}

export interface GitOptions {
  input?: string;
  /** Adds to the environment of this one call. */
  env?: Record<string, string>;
}

/** git in one bare repository: an argument list in, exit code and texts out. Never throws for git's own failures. */
export type Git = (args: readonly string[], options?: GitOptions) => Promise<GitResult>;

/** Secrets by the host they are for; each goes nowhere else. */
export interface Credentials {
  /** Access tokens by origin: `https://git.example.org`. */
  tokens: Readonly<Record<string, string>>;
  /** The ssh command, for known hosts and an agent; undefined for the runner's own. */
  sshCommand: string | undefined;
  sshAgent: string | undefined;
}

/** A stalled transfer ends by itself: less than so much for so long. */
const SLOWEST_BYTES_PER_SECOND = 1000;
const STALL_SECONDS = 20;

/**
 * git in the bare repository `folder`, in an environment of its own: no configuration of the user or the system, no prompt,
 * and each token only in requests to its origin (by GIT_CONFIG_*, so it is in no argument list, URL or file).
 */
export function openGit(folder: string, path: string, credentials: Credentials): Git {
  const config: [string, string][] = [
    ['protocol.version', '2'],
    ['gc.auto', '0'],
    ['maintenance.auto', 'false'],
    ['http.lowSpeedLimit', String(SLOWEST_BYTES_PER_SECOND)],
    ['http.lowSpeedTime', String(STALL_SECONDS)],
    ['http.followRedirects', 'initial'],
    ['core.askPass', ''],
    ['credential.helper', ''],
  ];
  for (const [origin, token] of Object.entries(credentials.tokens)) {
    // The empty value first drops a header that a checkout has left behind: two of them are refused.
    config.push([`http.${origin}/.extraHeader`, ''], [`http.${origin}/.extraHeader`, basicHeader(token)]);
  }
  const base: Record<string, string> = {
    PATH: path,
    HOME: folder,
    LC_ALL: 'C',
    GIT_DIR: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '',
    GIT_ALLOW_PROTOCOL: 'http:https:ssh:file',
    GIT_CONFIG_COUNT: String(config.length),
    ...Object.fromEntries(
      config.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
    ...(credentials.sshCommand ? { GIT_SSH_COMMAND: credentials.sshCommand } : {}),
    ...(credentials.sshAgent ? { SSH_AUTH_SOCK: credentials.sshAgent } : {}),
  };
  return async (args, { input, env = {} } = {}) => {
    const { exitCode, stdout, stderr } = await getExecOutput('git', [...args], {
      silent: true,
      ignoreReturnCode: true,
      // Only to those that read it: to write to one that ended without would end this process.
      ...(input ? { input: Buffer.from(input) } : {}),
      env: { ...base, ...env },
    });
    return { code: exitCode, out: stdout, err: stderr };
  };
}

function basicHeader(token: string): string {
  return `Authorization: Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;
}

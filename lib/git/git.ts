import { type SshLogin, tryLogins } from './logins.ts';
import { type GitResult, runGit } from './process.ts';

export type { GitResult } from './process.ts';

export interface GitOptions {
  input?: string;
  /** What input and output are read as; names of files can be any bytes, which only latin1 keeps. */
  encoding?: 'utf8' | 'latin1';
  /** Adds to the environment of this one call. */
  env?: Record<string, string>;
  /** Configuration of this one call, not in its argument list. */
  config?: readonly [key: string, value: string][];
  /** The repository that this call talks to, where it is another than the folder was opened for. */
  remote?: string;
}

/** git in the folder of one bare repository: an argument list in, exit code and texts out. Never throws for git's own failures. */
export type Git = (args: readonly string[], options?: GitOptions) => Promise<GitResult>;

/** Secrets by the host they are for; each goes nowhere else. */
export interface Credentials {
  /** Access tokens by origin: `https://git.example.org`. */
  tokens: Readonly<Record<string, string>>;
  /** The ways to log in by ssh, tried in this order; none for the runner's own. */
  logins: readonly SshLogin[];
  /** The transports that git may use; no other, whatever a URL says. */
  protocols: readonly ('https' | 'http' | 'ssh' | 'file')[];
  /** How the runner reaches the network, from its own environment: proxies, certificate authorities. */
  network?: Readonly<Record<string, string>>;
  /** Told what ssh says of a host key that it did not know and has accepted. */
  onNewHostKey?: (said: string) => void;
  /** Called every 15 s while one call (`fetch`) runs. */
  onSlow?: (call: string, seconds: number) => void;
  /** Ends what runs when the step is to end. */
  signal?: AbortSignal;
}

/** A stalled transfer ends by itself: less than so much for so long. */
const SLOWEST_BYTES_PER_SECOND = 1000;
const STALL_SECONDS = 20;

/**
 * Opens repositories in an environment of their own: no configuration of the user or the system, no prompt, no transport but
 * those allowed, and each token only in requests to its origin (by a variable, so it is in no argument list, URL or file).
 * `folder` is there and is or becomes a bare repository; `remote` is what its `origin` is or will be.
 */
export function gitOpener(path: string, credentials: Credentials) {
  const config = configOf(credentials);
  const callAs = tryLogins(credentials.logins);
  const base: Record<string, string> = {
    ...credentials.network,
    PATH: path,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '',
    GIT_ALLOW_PROTOCOL: credentials.protocols.join(':'),
  };
  return (folder: string, origin?: string): Git =>
    async (args, { input = '', encoding = 'utf8', env = {}, config: more = [], remote = origin } = {}) => {
      const result = await callAs({ remote, isPush: args[0] === 'push' }, (login) =>
        runGit({
          args,
          input,
          encoding,
          folder,
          env: {
            ...base,
            // Before git 2.32 the user's configuration can be kept out only by another home.
            HOME: folder,
            GIT_DIR: folder,
            ...(login ? { GIT_SSH_COMMAND: login.command } : {}),
            ...(login?.agentSocket ? { SSH_AUTH_SOCK: login.agentSocket } : {}),
            GIT_CONFIG_PARAMETERS: parameters([...config, ...more]),
            ...env,
          },
          signal: credentials.signal,
          onSlow: (seconds) => credentials.onSlow?.(args[0] ?? '', seconds),
        }),
      );
      for (const [, said = ''] of result.err.matchAll(/^Warning: (Permanently added .*)$/gm))
        credentials.onNewHostKey?.(said);
      return result;
    };
}

function configOf({ tokens, protocols }: Credentials): [string, string][] {
  const config: [string, string][] = [
    ['protocol.version', '2'],
    ['protocol.allow', 'never'],
    ...protocols.map((name): [string, string] => [`protocol.${name}.allow`, 'always']),
    ['gc.auto', '0'],
    ['maintenance.auto', 'false'],
    ['http.lowSpeedLimit', String(SLOWEST_BYTES_PER_SECOND)],
    ['http.lowSpeedTime', String(STALL_SECONDS)],
    ['http.followRedirects', 'initial'],
    ['core.askPass', ''],
    ['credential.helper', ''],
  ];
  for (const [origin, token] of Object.entries(tokens)) {
    // The empty value first drops a header that a checkout has left behind: two of them are refused.
    config.push([`http.${origin}/.extraHeader`, ''], [`http.${origin}/.extraHeader`, basicHeader(token)]);
    // git would send the header on to wherever it is redirected.
    config.push([`http.${origin}/.followRedirects`, 'false']);
  }
  return config;
}

/**
 * What `git -c` hands to the programs it starts, in the form that every git reads; GIT_CONFIG_COUNT needs 2.31, and an older
 * one drops the token without a word. No key has an equals sign in it.
 */
function parameters(config: readonly [key: string, value: string][]): string {
  return config.map(([key, value]) => `'${`${key}=${value}`.replaceAll("'", `'\\''`)}'`).join(' ');
}

function basicHeader(token: string): string {
  return `Authorization: Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;
}

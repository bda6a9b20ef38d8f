import { spawn } from 'node:child_process';

export interface GitResult {
  code: number;
  out: string;
  err: string;
}

export interface GitOptions {
  input?: string;
  /** What input and output are read as; names of files can be any bytes, which only latin1 keeps. */
  encoding?: 'utf8' | 'latin1';
  /** Adds to the environment of this one call. */
  env?: Record<string, string>;
  /** Configuration of this one call, not in its argument list. */
  config?: readonly [key: string, value: string][];
}

/** git in the folder of one bare repository: an argument list in, exit code and texts out. Never throws for git's own failures. */
export type Git = (args: readonly string[], options?: GitOptions) => Promise<GitResult>;

/** Secrets by the host they are for; each goes nowhere else. */
export interface Credentials {
  /** Access tokens by origin: `https://git.example.org`. */
  tokens: Readonly<Record<string, string>>;
  /** The ssh command, for known hosts and an agent; undefined for the runner's own. */
  sshCommand: string | undefined;
  sshAgent: string | undefined;
  /** How the runner reaches the network, from its own environment: proxies, certificate authorities. */
  network?: Readonly<Record<string, string>>;
  /** Told what ssh says of a host key that it did not know and has accepted. */
  onNewHostKey?: (said: string) => void;
  /** Ends what runs when the step is to end. */
  signal?: AbortSignal;
}

/** For one call of git; a stalled transfer ends sooner. */
const CALL_SECONDS = 600;
/** From the polite signal to the other one. */
const KILL_SECONDS = 5;
const OUTPUT_BYTES_AT_MOST = 256 * 1024 * 1024;

/** A stalled transfer ends by itself: less than so much for so long. */
const SLOWEST_BYTES_PER_SECOND = 1000;
const STALL_SECONDS = 20;

/**
 * git in `folder`, which is there and is or becomes a bare repository, in an environment of its own: no configuration of the user or the system, no prompt,
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
    // git would send the header on to wherever it is redirected.
    config.push([`http.${origin}/.followRedirects`, 'false']);
  }
  const base: Record<string, string> = {
    ...credentials.network,
    PATH: path,
    HOME: folder,
    LC_ALL: 'C',
    GIT_DIR: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '',
    GIT_ALLOW_PROTOCOL: 'http:https:ssh:file',
    ...(credentials.sshCommand ? { GIT_SSH_COMMAND: credentials.sshCommand } : {}),
    ...(credentials.sshAgent ? { SSH_AUTH_SOCK: credentials.sshAgent } : {}),
  };
  return async (args, { input = '', encoding = 'utf8', env = {}, config: more = [] } = {}) => {
    const result = await run(args, {
      input,
      encoding,
      folder,
      env: { ...base, ...configured([...config, ...more]), ...env },
      signal: credentials.signal,
    });
    for (const [, said = ''] of result.err.matchAll(/^Warning: (Permanently added .*)$/gm))
      credentials.onNewHostKey?.(said);
    return result;
  };
}

function configured(config: readonly [key: string, value: string][]): Record<string, string> {
  const values = config.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ]);
  return { GIT_CONFIG_COUNT: String(config.length), ...Object.fromEntries(values) };
}

interface Call {
  input: string;
  encoding: 'utf8' | 'latin1';
  folder: string;
  env: Record<string, string>;
  signal: AbortSignal | undefined;
}

/** @actions/exec can't end what it has started, reads all output as UTF-8, and dies of a child that does not read its input. */
function run(args: readonly string[], { input, encoding, folder, env, signal }: Call): Promise<GitResult> {
  return new Promise((resolve) => {
    const child = spawn('git', [...args], {
      cwd: folder,
      env,
      stdio: [input === '' ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    const blocks: Record<'out' | 'err', Buffer[]> = { out: [], err: [] };
    let bytes = 0;
    let reason = '';
    let killer: NodeJS.Timeout | undefined;
    const stop = (why: string) => {
      reason ||= why;
      // git ends its own children on TERM.
      child.kill('SIGTERM');
      killer ??= setTimeout(() => child.kill('SIGKILL'), KILL_SECONDS * 1000);
    };
    const onAbort = () => stop('the step was ended');
    const limit = setTimeout(() => stop(`git did not end within ${CALL_SECONDS} s`), CALL_SECONDS * 1000);
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    const keep = (name: 'out' | 'err') => (block: Buffer) => {
      bytes += block.length;
      if (bytes > OUTPUT_BYTES_AT_MOST) stop(`git printed more than ${OUTPUT_BYTES_AT_MOST} bytes`);
      else blocks[name].push(block);
    };
    child.stdout?.on('data', keep('out'));
    child.stderr?.on('data', keep('err'));
    child.stdin?.on('error', () => undefined).end(input, encoding);
    child.on('error', ({ message }) => {
      reason ||= `git can't be started: ${message}`;
    });
    child.on('close', (code) => {
      clearTimeout(limit);
      clearTimeout(killer);
      signal?.removeEventListener('abort', onAbort);
      const err = [Buffer.concat(blocks.err).toString('utf8'), reason].filter((text) => text !== '').join('\n');
      resolve({
        code: reason === '' ? (code ?? 1) : code || 1,
        out: Buffer.concat(blocks.out).toString(encoding),
        err,
      });
    });
  });
}

function basicHeader(token: string): string {
  return `Authorization: Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;
}

import { spawn } from 'node:child_process';

/** One call of git: an argument list and an environment in, exit code and texts out. */
export interface Call {
  args: readonly string[];
  input: string;
  /** What input and output are read as; names of files can be any bytes, which only latin1 keeps. */
  encoding: 'utf8' | 'latin1';
  folder: string;
  env: Record<string, string>;
  signal: AbortSignal | undefined;
  /** Called every 15 s while it runs. */
  onSlow: (seconds: number) => void;
}

/** The end of one call. */
export interface GitResult {
  code: number;
  out: string;
  err: string;
  /** What it was given: git quotes it in its messages. */
  args: readonly string[];
}

/** For one call of git; a stalled transfer ends sooner. */
const CALL_SECONDS = 600;
/** From the polite signal to the other one. */
const KILL_SECONDS = 5;
const OUTPUT_BYTES_AT_MOST = 256 * 1024 * 1024;
const PROGRESS_SECONDS = 15;

/**
 * Runs git. @actions/exec can't end what it has started, reads all output as UTF-8, and dies of a child that does not read its
 * input.
 */
export function runGit({ args, input, encoding, folder, env, signal, onSlow }: Call): Promise<GitResult> {
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
    const onAbort = () => stop('the step was cancelled');
    const limit = setTimeout(() => stop(`git did not finish within ${CALL_SECONDS} s`), CALL_SECONDS * 1000);
    let seconds = 0;
    const ticker = setInterval(() => {
      seconds += PROGRESS_SECONDS;
      onSlow(seconds);
    }, PROGRESS_SECONDS * 1000);
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
      clearInterval(ticker);
      signal?.removeEventListener('abort', onAbort);
      const err = [Buffer.concat(blocks.err).toString('utf8'), reason].filter((text) => text !== '').join('\n');
      resolve({
        code: reason === '' ? (code ?? 1) : code || 1,
        out: Buffer.concat(blocks.out).toString(encoding),
        err,
        args,
      });
    });
  });
}

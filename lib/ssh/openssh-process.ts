import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import holdMaster from './hold-master.sh';
import { parseSshVersion, type SshFound } from './openssh-version.ts';

type Environment = Record<string, string>;

const VERSION_SECONDS = 15;
const OUTPUT_CHARACTERS_AT_MOST = 1024 * 1024;

/** Which `ssh` the runner has. */
export async function findSsh(env: Environment): Promise<SshFound> {
  const { out, err, isThere } = await askSsh(['-V'], { env, limitSeconds: VERSION_SECONDS });
  return parseSshVersion(isThere ? err || out : undefined);
}

/** The end of one call of ssh. */
export interface SshAnswer {
  code: number | null;
  out: string;
  err: string;
  isThere: boolean;
}

/**
 * Runs ssh to its end. @actions/exec can't end what it has started, where a `Match exec` of a config hangs, and it prints which
 * folders of PATH it can't read.
 */
export function askSsh(
  words: readonly string[],
  { env, limitSeconds }: { env: Environment; limitSeconds: number },
): Promise<SshAnswer> {
  return new Promise((resolve) => {
    const child = spawn('ssh', words, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const answer: SshAnswer = { code: null, out: '', err: '', isThere: true };
    const limit = setTimeout(() => {
      endGroup(child, 'SIGKILL');
      // What it has started may hold the pipes for longer.
      resolve(answer);
    }, limitSeconds * 1000);
    const keep = (name: 'out' | 'err') => (text: string) => {
      if (answer[name].length < OUTPUT_CHARACTERS_AT_MOST) answer[name] += text;
    };
    child.stdout.setEncoding('utf8').on('data', keep('out'));
    child.stderr.setEncoding('utf8').on('data', keep('err'));
    child.on('error', () => {
      answer.isThere = false;
    });
    child.on('close', (code) => {
      clearTimeout(limit);
      resolve({ ...answer, code });
    });
  });
}

/** An ssh that others run commands through. It ends with this process, however that ends. */
export interface Master {
  onErrorText(listener: (text: string) => void): void;
  /** Settles when it is gone. */
  readonly ended: Promise<void>;
  end(): Promise<void>;
}

const END_SECONDS = 1;

/** Starts it; `folder` is removed should this process die. */
export function startMaster(words: readonly string[], { env, folder }: { env: Environment; folder: string }): Master {
  // A group of its own: a signal to the step's group must not cut the connection, which the step does when it is done.
  const child = spawn('/bin/sh', ['-c', holdMaster, 'hold-master', folder, 'ssh', ...words], {
    env,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const [, , errors, hold] = child.stdio as unknown as [null, null, NodeJS.ReadableStream, NodeJS.WritableStream];
  hold.on('error', () => undefined);
  errors.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve()).once('error', () => resolve());
  });
  return {
    onErrorText: (listener) => void errors.setEncoding('utf8').on('data', listener),
    ended,
    end: async () => {
      hold.end('done\n');
      endGroup(child, 'SIGTERM');
      await Promise.race([ended, sleep(END_SECONDS * 1000, undefined, { ref: false })]);
      endGroup(child, 'SIGKILL');
    },
  };
}

function endGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It is gone.
  }
}

/** An ssh whose input and output are those of one remote command. */
export function startSession(words: readonly string[], env: Environment) {
  return spawn('ssh', words, { env, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
}

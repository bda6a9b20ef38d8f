import { spawn } from 'node:child_process';
import { FOLDER } from './folder.mjs';

export interface Answer {
  code: number | null;
  output: string;
}

/** Runs the `lxc` client against the LXD of the tests; gives what it printed. Throws when it fails or takes too long. */
export async function lxc(words: string[], { input = '', limitSeconds = 120 } = {}): Promise<string> {
  const { code, output } = await answerOf(words, { input, limitSeconds });
  if (code !== 0) throw new Error(`lxc ${words.slice(0, 6).join(' ')} ended with code ${code}:\n${output}`);
  return output;
}

// Of LXD itself, now and then: the command was never begun.
const NOT_BEGUN = 'Failed to retrieve PID of executing child process';
const TRIES = 3;

/** The same, for commands that may fail. */
export async function answerOf(
  words: string[],
  limits: { input?: string; limitSeconds?: number } = {},
): Promise<Answer> {
  for (let tried = 1; ; tried += 1) {
    const answer = await answerOnce(words, limits);
    if (tried >= TRIES || answer.code === 0 || !answer.output.includes(NOT_BEGUN)) return answer;
  }
}

function answerOnce(words: string[], { input = '', limitSeconds = 120 }): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const child = spawn('lxc', words, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, LXD_DIR: `${FOLDER}/lxd` },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    const limit = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`lxc ${words.slice(0, 6).join(' ')} took more than ${limitSeconds} s:\n${output}`));
    }, limitSeconds * 1000);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(limit);
      resolve({ code, output });
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

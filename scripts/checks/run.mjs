import { spawn } from 'node:child_process';

const OUTPUT_LIMIT_CHARACTERS = 200_000;

/**
 * Runs a command without standard input, in `limitSeconds` at most. `show` passes its output on as it comes;
 * else it is collected. A command that can't be started has the code 127, one stopped at the limit 124.
 */
export function run(command, words, { limitSeconds, show = false, env = {} }) {
  return new Promise((resolve) => {
    const out = show ? 'inherit' : 'pipe';
    const child = spawn(command, words, { stdio: ['ignore', out, out], env: { ...process.env, ...env } });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => {
        output = (output + text).slice(-OUTPUT_LIMIT_CHARACTERS);
      });
    }
    let late = false;
    const limit = setTimeout(() => {
      late = true;
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGKILL'), 10_000).unref();
    }, limitSeconds * 1000);
    child.on('error', ({ message }) => {
      clearTimeout(limit);
      resolve({ code: 127, output: message });
    });
    child.on('close', (code) => {
      clearTimeout(limit);
      resolve(late ? { code: 124, output: `${output}\nstopped after ${limitSeconds} s` } : { code: code ?? 1, output });
    });
  });
}

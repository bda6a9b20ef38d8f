import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Something to run on the runner's side. */
export interface Command {
  words: string[];
  env?: Record<string, string>;
}

export interface Ran {
  seconds: number;
  /** User and system time of the command and of all it waited for. */
  cpuSeconds: number;
  /** Of its largest process. */
  peakMegabytes: number;
}

const SAMPLE_MS = 20;
const LIMIT_MS = 900_000;
/** The shell's own clock: it knows what its children used. */
const TIMED = `TIMEFORMAT='%3R %3U %3S'; time "$@" >/dev/null 2>/dev/null`;

/** Runs a command to its end. Throws when it fails or takes more than 15 minutes. */
export async function run({ words, env = {} }: Command): Promise<Ran> {
  const child = spawn('bash', ['-c', TIMED, 'bash', ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env.PATH, HOME: '/nonexistent', FORGEJO_ACTIONS: 'true', ...env },
    timeout: LIMIT_MS,
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  let peakMegabytes = 0;
  const sampler = setInterval(() => {
    peakMegabytes = Math.max(peakMegabytes, ...childrenOf(child.pid).map(peakOf));
  }, SAMPLE_MS);
  const code = await new Promise<number | null>((ended) => child.on('close', ended));
  clearInterval(sampler);
  if (code !== 0) throw new Error(`exit code ${code}: ${words.join(' ')}\n${said}`);
  const [real = 0, user = 0, system = 0] = said.trim().split('\n').at(-1)?.split(' ').map(Number) ?? [];
  return { seconds: real, cpuSeconds: user + system, peakMegabytes };
}

/** The middle one. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** Words for a shell. */
export function quoteAll(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
}

function childrenOf(pid: number | undefined): number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
  return [...children, ...children.flatMap(childrenOf)];
}

function peakOf(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1024;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

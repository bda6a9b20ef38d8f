import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { programLines, RUN_PROGRAM } from '../../lib/ssh/program.ts';

/** What a program answered. */
export interface Answered {
  /** The last value of each key. */
  said: Record<string, string>;
  /** Every line, as it came. */
  lines: string[];
  errors: string;
}

export interface Sent {
  values: Record<string, string | number | undefined>;
  payload?: Buffer | Readable | undefined;
  /** The words of the shell that runs it. */
  shell?: readonly string[];
}

export const SHELLS = [['dash'], ['bash'], ['busybox', 'ash']] as const;

/** Runs a program for targets here, as it is run over SSH: read by a shell from its standard input, a payload after it. */
export async function transact(text: string, { values, payload, shell = ['dash'] }: Sent): Promise<Answered> {
  const [command = '', ...words] = shell;
  const child = spawn(command, [...words, '-c', RUN_PROGRAM], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH },
  });
  let [output, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    errors += chunk;
  });
  child.stdin.on('error', () => undefined);
  child.stdin.write(programLines({ text, values }));
  if (payload === undefined || Buffer.isBuffer(payload)) child.stdin.end(payload);
  else payload.pipe(child.stdin);
  await new Promise((closed) => child.once('close', closed));
  const lines = output.split('\n').filter((line) => /^[a-z_]+=/.test(line));
  if (!output.split('\n').includes('end')) throw new Error(`it has not answered to the end:\n${output}${errors}`);
  const pairs = lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const);
  const plain = (value: string) =>
    value.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
  return { said: Object.fromEntries(pairs.map(([key, value]) => [key, plain(value)])), lines, errors };
}

/** The values that every kind of transaction takes, for a file or folder at `path` that is not there yet or is as `seen`. */
export function usualValues(path: string, seen = 'none') {
  return {
    id: randomUUID(),
    action: 'deploy',
    folder: path.replace(/\/[^/]*$/, ''),
    name: path.replace(/^.*\//, ''),
    run: 'https://forge.example/run/1',
    actor: 'ada',
    workflow: 'team/service deploy',
    run_number: 7,
    seen,
    strategy: 'staged',
    same_owner: '',
    mode: '0644',
    rollback: 'true',
    keep_releases: 3,
    health_timeout_seconds: 3,
    health_status: '200-399',
    stable_cs: 20,
    stable_seconds: 0.2,
    lock_timeout_seconds: 5,
    upload_limit_seconds: 60,
    silence_seconds: 30,
    limit_seconds: 60,
    wait_seconds: 60,
    ...NOTHING,
  };
}

/** Empty for a transaction that is no participant of a release, and of what no process runs. */
const NOTHING = Object.fromEntries(
  [
    ...['release', 'part', 'parts', 'first_folder', 'first_name', 'lock_after', 'members', 'waits', 'reloads'],
    ...['reverted', 'owner', 'capabilities', 'old_capabilities', 'old_sha', 'old_about', 'session_kills', 'log_file'],
    ...[
      'health_url',
      'health_contains',
      'health_port',
      'health_command',
      'health_url_port',
      'health_headers',
      'health_curl',
    ],
  ].map((name) => [name, '']),
);

/** What a transaction compares under its lock: the identity of the file as `stat` gives it there. */
export function seenOf(path: string, more = ''): string {
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  const time = (ns: bigint) => {
    const [, date = '', clock = ''] = /^(.*)T(.*)\./.exec(new Date(Number(ns / 1_000_000n)).toISOString()) ?? [];
    return `${date} ${clock}.${String(ns % 1_000_000_000n).padStart(9, '0')} +0000`;
  };
  return `${dev} ${ino} ${size} ${time(mtimeNs)} ${time(ctimeNs)}${more}`;
}

import type { Writable } from 'node:stream';
import type { ClientChannel } from 'ssh2';
import { ConnectionError } from '../errors.ts';
import type { Host } from './connect.ts';
import { enterProgram } from './container.ts';
import { bootstrapCommand, type Program, programLines } from './program.ts';

/** What a program said: `key=value` lines in order, the framing lines and all that was outside of them left out. */
export type Said = readonly (readonly [key: string, value: string])[];

export interface Ran {
  said: Said;
  /** False when the program's last word never came: its end is unknown. */
  complete: boolean;
  /** Null when the session was killed or the connection lost; never to be taken for success. */
  code: number | null;
  /** Standard error, at most 64 kB. */
  prose: string;
  /** Why it is not complete. */
  cut: string;
}

export interface RunOptions {
  sudo: boolean;
  limitSeconds: number;
  /** What the program is about, for errors: "Looking at the target". */
  what: string;
  /** When the runner ends the step, the program has a few more seconds, then it is left alone. */
  signal?: AbortSignal;
  /** Called for each line as it comes. */
  onSay?: (key: string, value: string) => void;
  /** Another program is likely to follow: its session is opened meanwhile, where that takes long. */
  another?: boolean;
  /** Written to the program's standard input after the program itself; must end the stream. */
  payload?: (stdin: Writable) => Promise<void>;
}

/** A round trip that is worth a process on the target: opening a session takes two. */
const LONG_MS = 10;
/** Before GitHub's second signal. */
const GRACE_AFTER_SIGNAL_SECONDS = 5;
const PROSE_LIMIT_CHARACTERS = 64 * 1024;

/**
 * Runs one program on `host`. Resolves when its channel is closed; rejects with a ConnectionError only when the
 * channel could not be opened or the limit passed.
 */
export async function runProgram(host: Host, program: Program, options: RunOptions): Promise<Ran> {
  const { container } = host.target;
  const command = bootstrapCommand(options.sudo);
  const channel = await host.exec(command);
  if (options.another && host.roundTripMs() > LONG_MS) host.prepare(command);
  if (container) channel.write(programLines(enterProgram(container, container.sudo)));
  const reader = readSaid(options.onSay);
  let code: number | null = null;
  let prose = '';
  channel.setEncoding('utf8').on('data', reader.push);
  channel.stderr.setEncoding('utf8').on('data', (text: string) => {
    prose = (prose + text).slice(-PROSE_LIMIT_CHARACTERS);
  });
  channel.on('exit', (exit: number | null) => {
    code = exit;
  });
  // An answer can be complete before the channel closes: a shell's logout script, a lingering connection.
  const closed = new Promise<undefined>((resolve) => {
    channel.on('close', () => resolve(undefined)).on('error', () => resolve(undefined));
  });
  const lost = host.lost.then((error) => error?.message ?? 'the connection was closed');
  const limit = startLimit(options, host);
  let cut: string | undefined;
  try {
    const unsent = send(channel, program, options.payload);
    cut = await Promise.race([closed, reader.ended, lost, unsent, limit.passed, cancelled(options.signal)]);
  } finally {
    limit.stop();
    channel.destroy();
  }
  const { said, complete } = reader.result();
  const error = saidOnce(said, 'container_error');
  if (error !== undefined) {
    const remedy = saidOnce(said, 'container_remedy') ?? '';
    throw new ConnectionError({ what: 'Entering the container', where: host.target.name, why: `${error}.`, remedy });
  }
  return { said, complete, code, prose, cut: cut ?? 'the session ended before its last word' };
}

/** The failure of a look at the target that was not answered to the end. */
export function notAnswered(host: Host, { what, state }: { what: string; state?: string }, ran: Ran): ConnectionError {
  const { container, name: where } = host.target;
  const entered = !container || ran.said.length > 0;
  return new ConnectionError({
    what,
    where,
    why: entered
      ? `the answer was cut short: ${ran.cut}.`
      : `the container can't be entered: ${lastLine(ran.prose) ?? ran.cut}`,
    state,
    remedy: entered
      ? 'run `ssh` to that host with a harmless command: does its login shell run commands given to it?'
      : `look on the host whether ${container?.name} exists, is running and has a /bin/sh.`,
    output: ran.prose,
  });
}

function lastLine(text: string): string | undefined {
  return text.trimEnd().split('\n').at(-1) || undefined;
}

/** Sends program and payload; resolves only when that fails, with why. */
function send(channel: ClientChannel, program: Program, payload: RunOptions['payload']): Promise<string> {
  return new Promise((resolve) => {
    channel.write(programLines(program));
    if (payload) payload(channel).catch((error: Error) => resolve(error.message));
    else channel.end();
  });
}

function cancelled(signal: AbortSignal | undefined): Promise<string> {
  return new Promise((resolve) => {
    const begin = () =>
      setTimeout(
        () => resolve(`the step was cancelled (${signal?.reason})`),
        GRACE_AFTER_SIGNAL_SECONDS * 1000,
      ).unref();
    if (signal?.aborted) begin();
    else signal?.addEventListener('abort', begin, { once: true });
  });
}

function startLimit({ limitSeconds, what }: RunOptions, host: Host) {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new ConnectionError({
          what,
          where: host.target.name,
          why: `no end within ${limitSeconds} s.`,
          remedy: 'look at the load of the host, and at what its login shell does at start.',
        }),
      );
    }, limitSeconds * 1000);
  });
  return { passed, stop: () => clearTimeout(timer) };
}

/** Reads `key=value` lines between the lines `begin` and `end`; a chatty profile may print before and after. */
export function readSaid(onSay?: RunOptions['onSay']) {
  const said: [string, string][] = [];
  let begun = false;
  let complete = false;
  let rest = '';
  let resolveEnded: () => void;
  const ended = new Promise<undefined>((resolve) => {
    resolveEnded = () => resolve(undefined);
  });
  const line = (text: string) => {
    if (text === 'begin') begun = true;
    else if (begun && !complete && text === 'end') {
      complete = true;
      resolveEnded();
    } else if (begun && !complete) {
      const equals = text.indexOf('=');
      if (equals <= 0) return;
      const pair: [string, string] = [text.slice(0, equals), unescapeSaid(text.slice(equals + 1))];
      said.push(pair);
      onSay?.(...pair);
    }
  };
  return {
    push: (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach(line);
    },
    ended,
    result: () => ({ said, complete }),
  };
}

/** Undoes the escaping of `say`: `\\` and `\n`. */
function unescapeSaid(value: string): string {
  return value.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
}

/** The last value said for `key`. */
export function saidOnce(said: Said, key: string): string | undefined {
  return said.findLast(([name]) => name === key)?.[1];
}

/** Every value said for `key`, in order. */
export function saidAll(said: Said, key: string): string[] {
  return said.filter(([name]) => name === key).map(([, value]) => value);
}

/** A value said as `key=value` words. */
export function saidPairs(text: string): Record<string, string> {
  const words = text.split(' ').filter((word) => word.includes('='));
  return Object.fromEntries(words.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]));
}

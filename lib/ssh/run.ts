import type { Writable } from 'node:stream';
import { ConnectionError } from '../errors.ts';
import { oneLine } from '../foreign.ts';
import { type Answer, answerOf, readSaid, unusable } from './answer.ts';
import { enterProgram } from './container.ts';
import type { Channel, Host } from './host.ts';
import { bootstrapCommand, LEAVE, type Program, programLines } from './program.ts';

export interface Ran {
  answer: Answer;
  /** False when the program's last word never came: its end is unknown. */
  complete: boolean;
  /** Whether it answered at all. */
  begun: boolean;
  /** Null when the session was killed or the connection lost; never to be taken for success. */
  code: number | null;
  /** Standard error without the step's secrets, at most 64 kB; and what came in the place of an answer. */
  prose: string;
  /** Why it is not complete. */
  cut: string;
}

export interface RunOptions {
  sudo: boolean;
  limitSeconds: number;
  /** What the program is about, for errors: "Looking at the target". */
  what: string;
  /** How the target is left when its answer can't be used, where that is known. */
  state?: string;
  /** Takes the secrets that the program is given out of what it quotes. */
  clean?: (text: string) => string;
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
/** A login may take half a minute of this (PAM, a slow profile). */
const READY_SECONDS = 60;
/** By then a shell that waits for commands of its own is more likely than a slow profile. */
const LEAVE_SECONDS = 10;
const NOT_RUN = 'the login shell did not run the command passed to it';

/**
 * Runs one program on `host`. Resolves when its channel is closed; rejects with a ConnectionError when the channel could not be
 * opened or the limit passed, and with an AnswerError when the target says more than any program does.
 */
export async function runProgram(host: Host, program: Program, options: RunOptions): Promise<Ran> {
  const { container } = host.target;
  const command = bootstrapCommand(container ? 'host' : options.sudo ? 'root' : 'login');
  const limit = startLimit(options, host);
  const about = { what: options.what, where: host.target.name, state: options.state };
  const clean = options.clean ?? ((text: string) => text);
  const reader = readSaid(options.onSay);
  let channel: Channel | undefined;
  let code: number | null = null;
  let prose = '';
  let cut: string | undefined;
  const over = new AbortController();
  try {
    channel = await Promise.race([host.exec(command), limit.passed]);
    if (options.another && host.roundTripMs() > LONG_MS) void host.prepare(command);
    channel.output.setEncoding('utf8').on('data', reader.push);
    channel.errors.setEncoding('utf8').on('data', (text: string) => {
      if (!reader.count(text)) prose = (prose + text).slice(-PROSE_LIMIT_CHARACTERS);
    });
    // An answer can be complete before the channel closes: a shell's logout script, a lingering connection.
    const closed = channel.closed.then((exit) => {
      code = exit;
      return undefined;
    });
    const lost = host.lost.then((error) => error?.message ?? 'the connection was closed');
    const sent = reader.ready.then(() => sendAll(channel as Channel, host, program, options.payload));
    const unread = notReady(channel, reader.ready);
    cut = await Promise.race([
      closed,
      reader.ended,
      lost,
      sent,
      unread,
      limit.passed,
      cancelled(options.signal, over.signal),
    ]);
  } finally {
    over.abort();
    limit.stop();
    channel?.destroy();
  }
  const { said, complete, isReady, unfit, before, excess } = reader.result();
  if (excess) throw unusable(about, excess);
  if (unfit) throw unfitShell(host, options.what);
  cut ??= isReady ? 'the session closed before the answer was complete' : NOT_RUN;
  const answer = answerOf(said, about, clean);
  const error = answer.text('container_error');
  if (error !== undefined) {
    const remedy = answer.text('container_remedy') ?? '';
    throw new ConnectionError({ what: 'Entering the container', where: host.target.name, why: `${error}.`, remedy });
  }
  const begun = said.length > 0;
  return {
    answer,
    complete,
    begun,
    code,
    prose: clean(begun ? prose : before + prose),
    cut: clean(cut),
  };
}

/** The failure of a look at the target that was not answered to the end. */
export function notAnswered(host: Host, { what, state }: { what: string; state?: string }, ran: Ran): ConnectionError {
  const { container, name: where } = host.target;
  const entered = !container || ran.begun;
  return new ConnectionError({
    what,
    where,
    why: entered
      ? `the answer was cut short: ${oneLine(ran.cut)}.`
      : `could not enter the container: ${oneLine(lastLine(ran.prose) ?? ran.cut)}`,
    state,
    remedy: entered
      ? 'check that the login there runs the commands given to it (`ssh HOST true`): its shell, a start file such as ~/.bashrc that ends in `exec`, ForceCommand in sshd_config, `command=` in authorized_keys.'
      : `check on the host that ${container?.name} exists, is running and has a /bin/sh.`,
    output: ran.prose,
  });
}

function lastLine(text: string): string | undefined {
  return text.trimEnd().split('\n').at(-1) || undefined;
}

/** Resolves, with why, when the target does not answer that our program reads there. */
function notReady(channel: Channel, ready: Promise<void>): Promise<string> {
  return new Promise((resolve) => {
    const leave = setTimeout(() => channel.input.write(`${LEAVE}\n`), LEAVE_SECONDS * 1000);
    const late = setTimeout(resolve, READY_SECONDS * 1000, `${NOT_RUN} within ${READY_SECONDS} s`);
    const stop = () => {
      clearTimeout(leave);
      clearTimeout(late);
    };
    ready.then(stop);
    channel.closed.then(stop);
  });
}

function unfitShell(host: Host, what: string): ConnectionError {
  return new ConnectionError({
    what,
    where: host.target.name,
    why: '/bin/sh there is a shell whose printf or local is not a builtin (such as mksh or ksh93).',
    state: 'untouched. Nothing was sent to it.',
    remedy: 'make /bin/sh dash, bash or busybox.',
  });
}

/** The way into the container, program and payload; resolves only when that fails, with why. */
function sendAll(channel: Channel, host: Host, program: Program, payload: RunOptions['payload']) {
  const { container } = host.target;
  if (container) channel.input.write(programLines(enterProgram(container, container.sudo)));
  return send(channel, program, payload);
}

/** Sends program and payload; resolves only when that fails, with why. */
function send(channel: Channel, program: Program, payload: RunOptions['payload']): Promise<string> {
  return new Promise((resolve) => {
    channel.input.write(programLines(program));
    if (payload) payload(channel.input).catch((error: Error) => resolve(error.message));
    else channel.input.end();
  });
}

/** Resolves a few seconds after the step was cancelled; `over` ends the waiting for it. */
function cancelled(signal: AbortSignal | undefined, over: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    const begin = () => {
      const late = setTimeout(
        () => resolve(`the step was cancelled (${signal?.reason})`),
        GRACE_AFTER_SIGNAL_SECONDS * 1000,
      );
      over.addEventListener('abort', () => clearTimeout(late), { once: true });
    };
    if (signal?.aborted) begin();
    else signal?.addEventListener('abort', begin, { once: true, signal: over });
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
          why: `timed out after ${limitSeconds} s.`,
          remedy: 'check the load of the host, and what its login shell does when it starts.',
        }),
      );
    }, limitSeconds * 1000);
  });
  return { passed, stop: () => clearTimeout(timer) };
}

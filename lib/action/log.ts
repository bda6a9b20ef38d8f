import { EOL } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { defused, linesOf, oneLine, shortened } from '../foreign.ts';
import { hideableLines, isWorthHiding } from './masks.ts';
import type { Platform } from './run.ts';

/**
 * The job's log. Whatever text it is given, a call of `line`, `phase` or `warning` writes one line, in which control characters
 * are shown as `\xNN` and no runner finds a workflow command.
 */
export interface Log {
  line(text: string): void;
  /** A line about a phase, with the time since the step began: now, or `at` (as of `performance.now()`). */
  phase(name: string, text: string, at?: number): void;
  /** A line that must be seen though the step goes on. */
  warning(text: string): void;
  /** The end of a red step: the text of a Failure, which has several lines. */
  failure(text: string): void;
  /** Hides a key, passphrase or token in everything that the job prints from now on. */
  mask(secret: string | undefined): void;
  /** The same for a value that may be anything: one that is in every second line (`true`, `8080`) is not hidden. */
  maskValue(value: string): void;
  /** Waits until all is written; before a red end also until the runner has read it. */
  drain(red: boolean): Promise<void>;
}

/** The same log, each line headed by what it is about, for several at once. */
export function prefixed(log: Log, name: string): Log {
  return {
    ...log,
    line: (text) => log.line(`${name} | ${text}`),
    phase: (phase, text, at) => log.phase(phase, `${name} | ${text}`, at),
    warning: (text) => log.warning(`${name} | ${text}`),
  };
}

/** Lines that are kept of each target until it is known whether somebody has to read them. */
const MOST_HELD_LINES = 300;

/** The same log, whose lines are held back until `tell`; warnings are not. For many at once, of which few matter to a reader. */
export function heldBack(log: Log): { log: Log; tell: () => void } {
  const held: (() => void)[] = [];
  const hold = (write: () => void) => {
    held.push(write);
    if (held.length > MOST_HELD_LINES) held.shift();
  };
  return {
    log: {
      ...log,
      line: (text) => hold(() => log.line(text)),
      phase: (name, text, at = performance.now()) => hold(() => log.phase(name, text, at)),
    },
    tell: () => {
      for (const write of held.splice(0)) write();
    },
  };
}

/** Runners cut a line at 64 KiB; a character has up to four bytes. */
const LINE_LIMIT_CHARACTERS = 8000;

/** Opens the log of this step on standard output. */
export function openLog(platform: Platform): Log {
  // A runner that was killed reads no more. The step finishes its work all the same: an error about it could not be printed either.
  process.stdout.on('error', () => undefined);
  const write = (line: string) => void process.stdout.write(`${line}${EOL}`);
  const plain = (text: string) => shortened(defused(oneLine(text)), LINE_LIMIT_CHARACTERS);
  const annotated = (kind: 'Warning' | 'Error', [first = '', ...rest]: string[]) => {
    // Forgejo and Gitea show workflow commands undecoded, and an error twice.
    if (platform === 'github') write(`::${kind.toLowerCase()}::${escapeCommand([first, ...rest].join('\n'))}`);
    else for (const line of [`${kind}: ${first}`, ...rest]) write(line);
  };
  const startedAt = performance.now();
  const masked = new Set<string>();
  const hide = (line: string) => {
    if (masked.has(line)) return;
    masked.add(line);
    for (const form of maskForms(line, platform)) write(`::add-mask::${form}`);
  };
  return {
    line: (text) => write(plain(text)),
    phase: (name, text, at = performance.now()) => {
      const seconds = ((at - startedAt) / 1000).toFixed(1);
      write(plain(`[${seconds.padStart(5)} s] ${name.padEnd(15)} ${text}`));
    },
    warning: (text) => annotated('Warning', [plain(text)]),
    failure: (text) => annotated('Error', linesOf(text).map(plain)),
    mask: (secret) => hideableLines(secret ?? '').forEach(hide),
    maskValue: (value) => hideableLines(value).filter(isWorthHiding).forEach(hide),
    drain: async (red) => {
      await new Promise((written) => process.stdout.write('', written));
      // A step that fails fast after much output lost its last 30 lines on the Forgejo runner; this cures it.
      if (red) await sleep(500);
    },
  };
}

/**
 * How the runner is told to hide a line. GitHub's undoes the escaping, Forgejo's takes the text as it is, and Gitea's does
 * either by its version: text that would become two lines there is told in the escaped form only.
 */
function maskForms(line: string, platform: Platform): string[] {
  const escaped = escapeCommand(line);
  if (platform === 'github' || escaped === line) return [escaped];
  if (platform === 'forgejo') return [line];
  return /%0[AD]/i.test(line) ? [escaped] : [line, escaped];
}

function escapeCommand(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

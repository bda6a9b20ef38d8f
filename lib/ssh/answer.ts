import { TargetError } from '../errors.ts';
import { linesOf, oneLine, shortened } from '../foreign.ts';
import { READY, UNFIT } from './program.ts';

/** What a program said: `key=value` lines in order, the framing lines and all that was outside of them left out. */
export type Said = readonly (readonly [key: string, value: string])[];

/** The target's answer can't be used: it says too much, or something of another form than its programs say. */
export class AnswerError extends TargetError {}

/** What the answer is about, for errors. */
export interface About {
  /** "Inspecting the target". */
  what: string;
  /** The target's name. */
  where: string;
  /** How the target is left when its answer can't be used, where that is known. */
  state?: string | undefined;
}

/**
 * What a program on a target answered. Root there may have said it, so nothing is taken as it comes: each reader gives a value of
 * its form, undefined where nothing or an empty value was said, and throws an AnswerError for everything else. Of several
 * values the last one counts.
 */
export interface Answer {
  has(key: string): boolean;
  /** Whether `yes` was said. */
  yes(key: string): boolean;
  /** A sha256 in hex. */
  digest(key: string): string | undefined;
  pid(key: string): number | undefined;
  /** A whole number that is not negative. */
  number(key: string): number | undefined;
  /** One of the words that a program may say here. */
  oneOf<const Word extends string>(key: string, words: readonly Word[]): Word | undefined;
  /** A name, a path, a sentence: one line, control characters shown as `\xNN`. Never part of a path on the runner. */
  text(key: string): string | undefined;
  texts(key: string): string[];
  /** Pids, separated by blanks; text, to be shown. */
  pids(key: string): string;
  /** Whole numbers, separated by blanks; text, to be shown or sent back. */
  numbers(key: string): string;
  /** Text that may quote the deployed program: one line for the eye, without the step's secrets. */
  quote(key: string): string | undefined;
  /** The same over several lines, each escaped. */
  quotedLines(key: string): string[];
  /** As it was said: only to be compared with what was sent, or to be sent back. */
  verbatim(key: string): string | undefined;
  verbatims(key: string): string[];
  /** The parts that `form` captures of each value; `expected` completes "something that is not …". */
  parts(key: string, form: RegExp, expected: string): string[][];
  /** Values of `key=value` words, each an answer of its own. */
  records(key: string): Answer[];
}

/** Reads what was `said`. `clean` takes the step's secrets out of a text. */
export function answerOf(said: Said, about: About, clean: (text: string) => string = (text) => text): Answer {
  const all = (key: string) => said.filter(([name]) => name === key).map(([, value]) => value);
  const told = (key: string) => all(key).filter((value) => value !== '');
  const last = (key: string) => said.findLast(([name]) => name === key)?.[1];
  const refuse = (key: string, value: string, expected: string): never => {
    throw unusable(about, `the target answered something that is not ${expected}: ${key}=${shown(clean(value))}`);
  };
  const formed = <Value>(key: string, expected: string, read: (value: string) => Value | undefined) => {
    const value = last(key);
    if (value === undefined || value === '') return undefined;
    return read(value) ?? refuse(key, value, expected);
  };
  const answer: Answer = {
    has: (key) => last(key) !== undefined,
    yes: (key) => answer.oneOf(key, ['yes', 'no']) === 'yes',
    digest: (key) => formed(key, 'a sha256', (value) => (DIGEST.test(value) ? value : undefined)),
    pid: (key) => formed(key, 'a pid', (value) => (PID.test(value) ? Number(value) : undefined)),
    number: (key) => formed(key, 'a whole number', (value) => (NUMBER.test(value) ? Number(value) : undefined)),
    oneOf: (key, words) => formed(key, `one of ${words.join(', ')}`, (value) => words.find((word) => word === value)),
    text: (key) => formed(key, 'a text', oneLine),
    texts: (key) => all(key).map(oneLine),
    pids: (key) => formed(key, 'a list of pids', (value) => (PIDS.test(value) ? value : undefined)) ?? '',
    numbers: (key) => formed(key, 'a list of numbers', (value) => (NUMBERS.test(value) ? value : undefined)) ?? '',
    quote: (key) => formed(key, 'a text', (value) => linesOf(clean(value)).map(oneLine).join(' | ')),
    quotedLines: (key) => all(key).flatMap((value) => linesOf(clean(value)).map(oneLine)),
    verbatim: last,
    verbatims: all,
    parts: (key, form, expected) =>
      told(key).map(
        (value) =>
          form
            .exec(value)
            ?.slice(1)
            .map((part) => part ?? '') ?? refuse(key, value, expected),
      ),
    records: (key) => told(key).map((value) => answerOf(pairsOf(value), about, clean)),
  };
  return answer;
}

/** The failure of a target whose answer can't be used. */
export function unusable({ what, where, state }: About, why: string): AnswerError {
  return new AnswerError({
    what,
    where,
    why: `${why}.`,
    state,
    remedy: 'find out who changed what runs on that host: the programs of this step never answer like this.',
  });
}

const DIGEST = /^[0-9a-f]{64}$/;
/** Linux has pids up to 4194304. */
const PID = /^[1-9][0-9]{0,9}$/;
const PIDS = /^[1-9][0-9]{0,9}( [1-9][0-9]{0,9})*$/;
const NUMBERS = /^[0-9]{1,15}( [0-9]{1,15})*$/;
/** Below what a double counts exactly. */
const NUMBER = /^[0-9]{1,15}$/;
const SHOWN_CHARACTERS = 80;

function shown(value: string): string {
  return `'${shortened(oneLine(value), SHOWN_CHARACTERS)}'`;
}

/** A value said as `key=value` words; the last one may contain blanks, as the name of an account does. */
function pairsOf(text: string): Said {
  const pairs: [string, string][] = [];
  for (const word of text.split(' ')) {
    const equals = Math.max(0, word.indexOf('='));
    const last = pairs.at(-1);
    if (KEY.test(word.slice(0, equals))) pairs.push([word.slice(0, equals), word.slice(equals + 1)]);
    else if (last && !word.includes('=')) last[1] += ` ${word}`;
  }
  return pairs;
}

const KEY = /^[a-z][a-z0-9_]{0,63}$/;

/** How much a target may say in all, on both streams, and in how many lines. */
const LIMIT_BYTES = 4 * 2 ** 20;
const LIMIT_LINES = 20_000;

/**
 * Reads `key=value` lines between the lines `begin` and `end`, once the line came that says that our program reads; a chatty
 * profile may print before and after.
 */
export function readSaid(onSay?: (key: string, value: string) => void) {
  const said: [string, string][] = [];
  let isReady = false;
  let unfit = false;
  let begun = false;
  let complete = false;
  let lines = 0;
  let bytes = 0;
  let rest: string[] = [];
  let before = '';
  let excess: string | undefined;
  let resolveEnded: () => void;
  let resolveReady: () => void;
  const ended = new Promise<undefined>((resolve) => {
    resolveEnded = () => resolve(undefined);
  });
  const ready = new Promise<void>((resolve) => {
    resolveReady = resolve;
  });
  const exceeds = (limit: string) => {
    rest = [];
    excess = `the target answered more than ${limit}`;
    resolveEnded();
    return true;
  };
  const line = (text: string) => {
    if (text === UNFIT && !begun) {
      unfit = true;
      resolveEnded();
    } else if (text === READY && !isReady) {
      isReady = true;
      resolveReady();
    } else if (text === 'begin' && isReady) begun = true;
    else if (!begun) before = `${before}${text}\n`.slice(0, BEFORE_CHARACTERS);
    else if (text === 'end') {
      complete = true;
      resolveEnded();
    } else {
      const equals = text.indexOf('=');
      if (!KEY.test(text.slice(0, Math.max(0, equals)))) return;
      const pair: [string, string] = [text.slice(0, equals), unescapeSaid(text.slice(equals + 1))];
      said.push(pair);
      onSay?.(...pair);
    }
  };
  const count = (text: string) => {
    if (!complete) bytes += Buffer.byteLength(text);
    return bytes > LIMIT_BYTES && exceeds('4 MiB');
  };
  return {
    /** Standard error counts as well. */
    count,
    push: (text: string) => {
      if (complete || excess || count(text)) return;
      const [first = '', ...others] = text.split('\n');
      rest.push(first);
      for (const next of others) {
        line(rest.join(''));
        rest = [next];
        lines += 1;
        if (complete) return;
        if (lines > LIMIT_LINES) {
          exceeds(`${LIMIT_LINES} lines`);
          return;
        }
      }
    },
    /** Resolves when our program reads there. */
    ready,
    /** Resolves at the last word, and when nothing more is read. */
    ended,
    result: () => ({
      said,
      complete,
      isReady,
      unfit,
      excess,
      before: `${before}${begun ? '' : rest.join('')}`.slice(0, BEFORE_CHARACTERS),
    }),
  };
}

const BEFORE_CHARACTERS = 4096;

/** Undoes the escaping of `say`: `\\` and `\n`. */
function unescapeSaid(value: string): string {
  return value.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
}

import * as z from 'zod/mini';
import { isHeader } from '../health-headers.ts';
import { shownUrl } from '../secrets.ts';
import { isHttpUrl } from '../values.ts';

/** A required text. */
export const text = () => z.string();

/** An optional text. */
export const optional = () => z.optional(z.string());

/** A text of a certain form; `expected` completes "expected …, got '…'". */
export function matching(rule: RegExp | ((value: string) => boolean), expected: string) {
  const accepts = rule instanceof RegExp ? (value: string) => rule.test(value) : rule;
  return z.string().check(z.refine(accepts, { error: ({ input }) => `expected ${expected}, got '${input}'` }));
}

/** An http or https URL; a wrong one is told without an account and what it asks with. */
export function httpUrl() {
  return z.string().check(
    z.refine(isHttpUrl, {
      error: ({ input }) => `expected an http or https URL without a user in it, got '${shownUrl(String(input))}'`,
    }),
  );
}

/** A whole number from `min` to `max`; without a default it may be unset. */
export function wholeNumber(min: number, max: number) {
  return z.optional(numberText(min, max, true));
}

/** A whole number from `min` to `max`. */
export function wholeNumberOr(initial: number, min: number, max: number) {
  return z._default(numberText(min, max, true), initial);
}

/** A number of seconds from `min` to `max`; fractions are allowed. */
export function secondsOr(initial: number, min: number, max: number) {
  return z._default(numberText(min, max, false), initial);
}

/** `true` or `false` as YAML writes them. */
export function flagOr(initial: boolean) {
  return z._default(
    z.pipe(
      z.string().check(
        z.refine((value) => /^(true|false)$/i.test(value), {
          error: ({ input }) => `expected true or false, got '${input}'`,
        }),
      ),
      z.transform((value: string) => value.toLowerCase() === 'true'),
    ),
    initial,
  );
}

/** One of `choices`, the first of them when unset. */
export function choice<const Choice extends string>(choices: readonly [Choice, ...Choice[]]) {
  return z._default(
    z.enum(choices, { error: ({ input }) => `expected ${choices.join(', ')}, got '${input}'` }),
    choices[0] as never,
  ) as unknown as z.ZodMiniType<Choice>;
}

/** Non-empty lines, trimmed. */
export function lines() {
  return linesBy(splitLines);
}

/** Lines `KEY=VALUE` as in a file for a shell or docker: without comments, and without `export` before the name. */
export function environmentLines() {
  return linesBy((value) =>
    splitLines(value)
      .filter((line) => !line.startsWith('#'))
      .map((line) => line.replace(/^export\s+(?=[A-Za-z_]\w*=)/, '')),
  );
}

/** The names of the variables whose whole value is in quotes, which are part of it. */
export function quotedNames(environment: readonly string[]): string[] {
  return environment.flatMap((line) => /^(\w+)=(["']).*\2$/s.exec(line)?.[1] ?? []);
}

/** Non-empty lines `Name: value`, the headers of a request; a wrong one is named by its number, because it may be secret. */
export function headerLines() {
  return z._default(
    z.pipe(
      z.pipe(z.string(), z.transform(splitLines)),
      z.array(z.string()).check((context) => {
        const wrong = context.value.findIndex((line) => !isHeader(line));
        if (wrong < 0) return;
        const message = `line ${wrong + 1} must be \`Name: value\`, and not a header that ends the request`;
        context.issues.push({ code: 'custom', message, input: context.value });
      }),
    ),
    [],
  ) as unknown as z.ZodMiniType<string[]>;
}

/** Lines of literal text, blank ones left out: blanks at either end count. */
export function literalLines() {
  return linesBy((value) => value.split('\n').filter((line) => line.trim() !== ''));
}

function linesBy(split: (value: string) => string[]) {
  return z._default(z.pipe(z.string(), z.transform(split)), []) as unknown as z.ZodMiniType<string[]>;
}

/** The non-empty lines of `value`, trimmed. */
export function splitLines(value: string): string[] {
  return value
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

function numberText(min: number, max: number, whole: boolean) {
  const kind = whole ? 'a whole number' : 'a number';
  return z.pipe(
    z.string().check(
      z.refine(
        (value) => (whole ? /^\d{1,15}$/ : /^\d{1,12}(\.\d{1,6})?$/).test(value) && +value >= min && +value <= max,
        {
          error: ({ input }) => `expected ${kind} from ${min} to ${max}, got '${input}'`,
        },
      ),
    ),
    z.transform((value: string) => Number(value)),
  );
}

/** A check for inputs that don't go together, also when single inputs are wrong, so that all is reported at once. */
export function without<Given>(contradictions: (given: Given) => readonly [input: string, message: string][]) {
  return z.check<Given>(
    (context) => {
      for (const [path, message] of contradictions(context.value)) {
        context.issues.push({ code: 'custom', message, path: [path], input: context.value });
      }
    },
    { when: () => true },
  );
}

import * as z from 'zod/mini';
import { lines } from '../action/fields.ts';

const DISPATCH_INPUT = /^[\w.-]+=/;

/** The file name of a workflow. */
export function workflowFile() {
  return z.string().check(z.regex(/^[\w.-]+\.ya?ml$/, 'expected the file name of a workflow, without folders'));
}

/** Lines of `key=value` for a workflow that is started. */
export function dispatchLines() {
  return lines().check(
    z.refine((given) => given.every((line) => DISPATCH_INPUT.test(line)), { error: 'expected lines of key=value' }),
  );
}

/** The same as name and value. */
export function dispatchInputs(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((line) => {
      const equals = line.indexOf('=');
      return [line.slice(0, equals), line.slice(equals + 1)];
    }),
  );
}

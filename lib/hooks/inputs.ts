import * as z from 'zod/mini';
import { choice, httpUrl, optional, wholeNumber, wholeNumberOr } from '../action/fields.ts';

/** The inputs about commands around a deploy, and about what must hold for it to start, under their names in action.yml. */
export const hookFields = {
  'before-command': optional(),
  'before-on': choice(['target', 'host']),
  'before-timeout-seconds': wholeNumberOr(300, 1, 86_400),
  'after-command': optional(),
  'after-timeout-seconds': wholeNumberOr(300, 1, 86_400),
  'require-url': z.optional(httpUrl()),
  'require-port': wholeNumber(1, 65_535),
  'require-command': optional(),
};

const hookSchema = z.object(hookFields);

export type HookInputs = z.infer<typeof hookSchema>;

/** Inputs about hooks that don't go together. */
export function hookContradictions(
  given: Partial<HookInputs> & { container?: string | undefined },
): [input: string, message: string][] {
  if (given['before-on'] !== 'host') return [];
  if (!given['before-command']) return [['before-on', 'only valid with `before-command`']];
  return given.container ? [] : [['before-on', 'only valid with `container`: otherwise the target is the host']];
}

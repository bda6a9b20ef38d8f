import * as z from 'zod/mini';
import { choice, matching, optional, secondsOr, wholeNumber, wholeNumberOr } from '../action/fields.ts';
import type { Policy } from './decide.ts';

/** Of one step. */
export const MOST_TARGETS = 10_000;

/** The inputs about several targets, under their names in action.yml. */
export const rolloutFields = {
  'hosts-file': optional(),
  canary: wholeNumberOr(0, 0, MOST_TARGETS),
  batch: z.optional(
    matching((value) => sizeOf(value, MOST_TARGETS) !== undefined, 'a number from 1, or a percentage from 1% to 100%'),
  ),
  'pause-seconds': secondsOr(0, 0, 86_400),
  'max-parallel': wholeNumber(1, 1000),
  'max-failures': wholeNumberOr(0, 0, MOST_TARGETS),
  unreachable: choice(['fail', 'skip']),
  shard: z.optional(
    matching((value) => parseShard(value) !== undefined, 'a part and the number of parts, such as 2/8'),
  ),
};

const rolloutSchema = z.object(rolloutFields);

export type RolloutInputs = z.infer<typeof rolloutSchema>;

/** Inputs about several targets that don't go together. */
export function rolloutContradictions(given: Partial<RolloutInputs>): [input: string, message: string][] {
  const found: [string, string][] = [];
  if (given.batch !== undefined && given['max-parallel'] !== undefined)
    found.push(['batch', 'replaces `max-parallel`: set one of them']);
  if (Number(given['pause-seconds'] ?? 0) > 0 && given.batch === undefined && !given.canary)
    found.push(['pause-seconds', 'only valid with `batch` or `canary`: it is the pause between two batches']);
  return found;
}

/** The policy of a rollout over `count` targets, from its inputs. */
export function policyOf(inputs: RolloutInputs, count: number): Policy {
  return {
    canary: inputs.canary,
    atATime: inputs.batch === undefined ? (inputs['max-parallel'] ?? 1) : (sizeOf(inputs.batch, count) ?? 1),
    inBatches: inputs.batch !== undefined,
    maxFailures: inputs['max-failures'],
    skipsUnreachable: inputs.unreachable === 'skip',
  };
}

/** Targets of a batch: a number, or a percentage of all, rounded up; undefined when it is neither. */
function sizeOf(batch: string, count: number): number | undefined {
  const [, digits, percent] = /^([1-9]\d{0,4})(%?)$/.exec(batch.trim()) ?? [];
  if (digits === undefined) return undefined;
  if (!percent) return Number(digits) <= MOST_TARGETS ? Number(digits) : undefined;
  return Number(digits) <= 100 ? Math.max(1, Math.ceil((Number(digits) * count) / 100)) : undefined;
}

/** `2/8` taken apart; undefined when it is not of that form. */
export function parseShard(shard: string): { number: number; of: number } | undefined {
  const [, number, of] = /^(\d{1,4})\s*\/\s*(\d{1,4})$/.exec(shard.trim()) ?? [];
  if (Number(number) < 1 || !(Number(number) <= Number(of))) return undefined;
  return { number: Number(number), of: Number(of) };
}

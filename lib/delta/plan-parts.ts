/** Offsets: from `begin` up to, not including, `end`. */
export interface Range {
  begin: number;
  end: number;
}

/** A delta between larger files than this is not made: its offsets are signed 32-bit numbers. */
export const MOST_DELTA_BYTES = 2 ** 31 - 1;

/** The old bytes held in memory at a time. */
const OLD_BYTES = 256 * 2 ** 20;
const FRESH_BYTES = 128 * 2 ** 20;

/**
 * Which part of the new file is compared with which part of the old one. Files that fit are compared whole; of larger
 * ones part by part with the same region of the old file and its surroundings, since a rebuild moves things, but not far.
 */
export function planParts(freshBytes: number, oldBytes: number): { fresh: Range; old: Range }[] {
  if (freshBytes === 0) return [];
  if (oldBytes <= OLD_BYTES) return [{ fresh: { begin: 0, end: freshBytes }, old: { begin: 0, end: oldBytes } }];
  const parts: { fresh: Range; old: Range }[] = [];
  for (let begin = 0; begin < freshBytes; begin += FRESH_BYTES) {
    const end = Math.min(begin + FRESH_BYTES, freshBytes);
    const middle = ((begin + end) / 2) * (oldBytes / freshBytes);
    const oldBegin = Math.floor(Math.min(Math.max(0, middle - OLD_BYTES / 2), oldBytes - OLD_BYTES));
    parts.push({ fresh: { begin, end }, old: { begin: oldBegin, end: oldBegin + OLD_BYTES } });
  }
  return parts;
}

/** What the place of a participant rests on: where its part is on the target, as the target knows it. */
export interface Place {
  /** Index of the part. */
  index: number;
  /** The canonical path. */
  path: string;
}

/** Pure: which parts take part. One that is right takes part where an earlier part that it needs does. */
export function participants(parts: readonly { needs: readonly number[] }[], changes: readonly boolean[]): number[] {
  const taking = new Set<number>();
  for (const [index, { needs }] of parts.entries()) {
    if (changes[index] || needs.some((need) => taking.has(need))) taking.add(index);
  }
  return [...taking];
}

/**
 * Pure: for each participant, counted from 1 in the order of the parts, the one whose lock it takes its own after; undefined for the
 * first. All releases take their locks in the order of the canonical paths, so none waits for a lock that another one holds
 * while that waits for its own.
 */
export function lockOrder(places: readonly Place[]): (number | undefined)[] {
  const byPath = places.map(({ path }, at) => ({ path, number: at + 1 }));
  byPath.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : a.number - b.number));
  const before = new Map(byPath.map(({ number }, at) => [number, byPath[at - 1]?.number]));
  return places.map((_, at) => before.get(at + 1));
}

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

/** A part as far as rolling back the last release is concerned. */
export interface Past {
  last: { id: string; sha256: string | undefined; seconds: number } | undefined;
  /** The digest of its present file. */
  live: string | undefined;
}

/**
 * Pure: the digest that each part had before the last release of them all, which may have changed only some; undefined for one that
 * had no version then. No part has one where no release is known.
 */
export function previousDigests(parts: readonly Past[]): (string | undefined)[] {
  const releases = parts.flatMap(({ last }) => last ?? []);
  const newest = releases.reduce<Past['last']>(
    (one, other) => (one && one.seconds >= other.seconds ? one : other),
    undefined,
  );
  if (!newest) return parts.map(() => undefined);
  return parts.map(({ last, live }) => (last?.id === newest.id ? last.sha256 : live));
}

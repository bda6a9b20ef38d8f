import { draws } from './draws.ts';

export type Random = () => number;

/** Always the same numbers from 0 to 1 for the same seed. */
export function randomOf(seed: number): Random {
  return draws(seed);
}

/** One of several. */
export function pick<Item>(random: Random, from: readonly Item[]): Item {
  return from[Math.floor(random() * from.length)] as Item;
}

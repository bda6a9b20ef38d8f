/** A source of numbers from 0 to 1, always the same ones for the same seed and number (mulberry32). */
export function draws(seed: number, number = 0): () => number {
  let state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b)) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The items in another order. */
export function shuffled<Item>(items: readonly Item[], draw: () => number): Item[] {
  const order = items.map((item) => ({ item, place: draw() }));
  return order.sort((a, b) => a.place - b.place).map(({ item }) => item);
}

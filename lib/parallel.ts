/**
 * Does `work` for each item in order, at most `limit` at a time. Once `stopped` says so no further item is begun; those
 * begun come to their end. Rejects with the first error of `work`, which ends the others' queue too.
 */
export async function inParallel<Item>(
  items: readonly Item[],
  { limit, stopped }: { limit: number; stopped: () => boolean },
  work: (item: Item, index: number) => Promise<void>,
): Promise<void> {
  const rest = items.entries();
  const worker = async () => {
    for (const [index, item] of rest) {
      if (stopped()) return;
      await work(item, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
}

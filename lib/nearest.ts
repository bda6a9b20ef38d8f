/** The one of `names` that `name` was most likely meant to be; undefined when none is like it. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replace(/[-_ ]/g, '');
  const same = names.find((one) => plain(one) === plain(name) || (name !== '' && one.startsWith(name)));
  if (same) return same;
  // Each pair costs the product of the lengths.
  if (name.length > 40) return undefined;
  const most = name.length < 6 ? 1 : 2;
  const near = names.map((one) => ({ one, edits: editsBetween(plain(name), plain(one)) }));
  near.sort((a, b) => a.edits - b.edits);
  return near[0] && near[0].edits <= most ? near[0].one : undefined;
}

/** How many characters must be added, removed, replaced or swapped with their neighbour. */
function editsBetween(from: string, to: string): number {
  let [before, last] = [[] as number[], Array.from({ length: to.length + 1 }, (_, at) => at)];
  for (let row = 1; row <= from.length; row += 1) {
    const next = [row];
    for (let at = 1; at <= to.length; at += 1) {
      const replaced = (last[at - 1] ?? 0) + (from[row - 1] === to[at - 1] ? 0 : 1);
      const swapped =
        row > 1 && at > 1 && from[row - 1] === to[at - 2] && from[row - 2] === to[at - 1]
          ? (before[at - 2] ?? 0) + 1
          : replaced;
      next.push(Math.min(replaced, swapped, (last[at] ?? 0) + 1, (next[at - 1] ?? 0) + 1));
    }
    [before, last] = [last, next];
  }
  return last[to.length] ?? 0;
}

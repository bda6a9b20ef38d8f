/** A unit's whole name; `.service` is the suffix that people leave out, also after a name with a dot. */
export function unitName(name: string): string {
  return /\.(service|socket|timer|path|target|mount|automount|swap|slice|scope|device)$/.test(name)
    ? name
    : `${name}.service`;
}

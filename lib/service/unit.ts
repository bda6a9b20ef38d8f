/** A unit's whole name; `.service` is the suffix that people leave out. */
export function unitName(name: string): string {
  return /\.[a-z]+$/.test(name) ? name : `${name}.service`;
}

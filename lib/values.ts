/** Forms of input values that more than one action takes. */

/** An absolute path that is told in one log line and climbs nowhere. */
export function isPlainPath(path: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: names with these can't be told in a log line
  return path.startsWith('/') && path !== '/' && !path.split('/').includes('..') && !/[\u0000-\u001f\u007f]/.test(path);
}

/** An http or https URL without a user in it. */
export function isHttpUrl(value: string): boolean {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  return /^https?:$/.test(url?.protocol ?? '') && url?.username === '' && url.password === '' && !/[\s"\\]/.test(value);
}

/** Whether an account or a group may have that name: directories have `CORP\\ada`, `ada@corp.example` and `domain users`. */
export function isAccountName(name: string): boolean {
  return /^[^\p{Cc}:/-][^\p{Cc}:/]*$/u.test(name) && name.trim() === name;
}

/** Whether it is USER or USER:GROUP, by names or numbers. */
export function isOwner(text: string): boolean {
  const halves = text.split(':');
  return halves.length <= 2 && halves.every(isAccountName);
}

/** Status codes and ranges: `200-399`, `200, 204`. */
export function isStatusList(list: string): boolean {
  return /^\s*\d{3}(-\d{3})?(\s*,\s*\d{3}(-\d{3})?)*\s*$/.test(list);
}

/** Whether two spellings name the same capabilities: getcap prints `cap_x,cap_y=ep` where people write `cap_y,cap_x=+ep`. */
export function sameCapabilities(wanted: string, present: string): boolean {
  return eachCapability(wanted) === eachCapability(present);
}

function eachCapability(text: string): string {
  const clauses = text.toLowerCase().split(/\s+/).filter(Boolean);
  const each = clauses.flatMap((clause) => {
    const [names = '', ...flags] = clause.split(/[=+]+/);
    return names.split(',').map((name) => `${name}=${[...flags.join('')].sort().join('')}`);
  });
  return each.sort().join(' ');
}

/** An octal mode as `stat` prints it, with four digits: people write 755, 0755 and 04755. */
export function octalMode(mode: string): string {
  return Number.parseInt(mode, 8).toString(8).padStart(4, '0');
}

/** A digest as people compare it. */
export function short(sha256: string): string {
  return sha256.slice(0, 12);
}

/** Bytes as people read them. */
export function megabytes(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(2)} GB`;
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`;
  return bytes >= 1e3 ? `${(bytes / 1e3).toFixed(1)} kB` : `${bytes} bytes`;
}

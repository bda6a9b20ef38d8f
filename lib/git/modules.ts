/** One entry of .gitmodules. */
export interface Submodule {
  name: string;
  path: string;
  url: string;
  /** The branch it follows; undefined for the remote's HEAD, `.` for the root's own. */
  branch: string | undefined;
  /** Set where git itself is told to leave it alone: `update = none` or `ignore = all`. */
  frozen: string | undefined;
}

const BYTES_AT_MOST = 1024 * 1024;
const KEYS = ['path', 'url', 'branch', 'update', 'ignore'];

/** Why the bytes (latin1) of a .gitmodules are not read; completes ".gitmodules …". Undefined for usable ones. */
export function modulesProblem(content: string): string | undefined {
  if (content.length > BYTES_AT_MOST) return `has ${content.length} bytes; at most ${BYTES_AT_MOST} are read`;
  if (content.includes('\0')) return 'has NUL bytes in it';
  return undefined;
}

/**
 * Reads `git config --list -z`: `submodule.NAME.KEY\nVALUE\0`. Throws a RangeError where it asks for another file to be read:
 * git does not follow that in .gitmodules either.
 */
export function parseModules(listing: string): Submodule[] {
  const found = new Map<string, Record<string, string>>();
  for (const entry of listing.split('\0')) {
    if (/^include(if)?\./i.test(entry)) throw new RangeError('includes another file, which git itself ignores there');
    const match = /^submodule\.([^\n]+)\.(\w+)(?:\n([\s\S]*))?$/.exec(entry);
    if (!match) continue;
    const [, name = '', key = '', value = ''] = match;
    const values = found.get(name) ?? {};
    if (KEYS.includes(key)) values[key] = value;
    found.set(name, values);
  }
  return [...found].flatMap(([name, { path, url, branch, update, ignore }]) => {
    if (path === undefined || url === undefined) return [];
    const frozen = update === 'none' ? 'update = none' : ignore === 'all' ? 'ignore = all' : undefined;
    return [{ name, path, url, branch, frozen }];
  });
}

/** Why no pointer can be at a path, as git sees it; completes "its path …". Undefined for a usable one. */
export function pathProblem(path: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(path)) return 'has control characters in it';
  if (path.includes('\ufffd')) return 'is not UTF-8';
  if (path.split('/').some(isReserved)) return 'is one that git does not check out';
  return undefined;
}

/** Names that lead elsewhere, or into a repository's own folder on one of the systems that git serves. */
function isReserved(name: string): boolean {
  // HFS+ ignores these characters, NTFS blanks and dots at the end and what stands behind a colon.
  const plain = name.replace(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, '');
  return /^(\.{0,2}|(\.git|git~\d+)[. ]*(:.*)?)$/i.test(plain);
}

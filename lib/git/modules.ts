/** One entry of .gitmodules. */
export interface Submodule {
  name: string;
  path: string;
  url: string;
  /** The branch it follows; undefined for the remote's HEAD, `.` for the root's own. */
  branch: string | undefined;
}

/** Reads `git config --blob … --list -z`: `submodule.NAME.KEY\nVALUE\0`. */
export function parseModules(listing: string): Submodule[] {
  const found = new Map<string, Partial<Submodule>>();
  for (const entry of listing.split('\0')) {
    const match = /^submodule\.(.+)\.(path|url|branch)\n([\s\S]*)$/.exec(entry);
    if (!match) continue;
    const [, name = '', key = '', value = ''] = match;
    found.set(name, { ...found.get(name), name, [key]: value });
  }
  return [...found.values()].filter(
    (module): module is Submodule => module.path !== undefined && module.url !== undefined,
  );
}

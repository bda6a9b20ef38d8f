/** A git remote's URL, taken apart. */
export interface Remote {
  /** As it is given to git; never with a password in it. */
  url: string;
  kind: 'http' | 'ssh' | 'file';
  /** `https://host:port` or the ssh host; empty for files. */
  host: string;
  /** Path without a leading slash and without `.git`. */
  path: string;
}

/** Takes a URL apart: http(s), ssh://, scp-like `user@host:path`, file:// or an absolute path. Undefined for anything else. */
export function parseRemote(url: string): Remote | undefined {
  const scp = /^(?:[^@\s/:]+@)?([^\s/:]+):(?!\/\/)([^\s]+)$/.exec(url);
  if (scp) return { url, kind: 'ssh', host: scp[1] ?? '', path: plainPath(scp[2] ?? '') };
  if (url.startsWith('/')) return { url, kind: 'file', host: '', path: plainPath(url) };
  if (!URL.canParse(url)) return undefined;
  const { protocol, host, pathname, password, origin } = new URL(url);
  if (password) return undefined;
  if (protocol === 'http:' || protocol === 'https:')
    return { url, kind: 'http', host: origin, path: plainPath(pathname) };
  if (protocol === 'ssh:') return { url, kind: 'ssh', host, path: plainPath(pathname) };
  if (protocol === 'file:') return { url, kind: 'file', host: '', path: plainPath(pathname) };
  return undefined;
}

/**
 * A submodule's URL seen from its root repository's URL, as git resolves `./` and `../` (git-submodule(1)).
 * Throws RangeError when it climbs out of the host, or when an absolute one leaves the network for the runner's own disk.
 */
export function resolveSubmoduleUrl(root: string, written: string): string {
  const rootRemote = parseRemote(root);
  if (!/^\.\.?(\/|$)/.test(written)) {
    if (parseRemote(written)?.kind === 'file' && rootRemote?.kind !== 'file')
      throw new RangeError(`${written} is on the machine of whoever reads it, ${root} is not`);
    return written;
  }
  if (!rootRemote) throw new RangeError(`the root's URL ${root} is not understood`);
  const bare = root.replace(/\/+$/, '');
  const separator = rootRemote.kind === 'ssh' && !/^ssh:/.test(root) ? ':' : '//';
  const from = bare.indexOf(separator) + separator.length;
  const [fixed, path] = root.startsWith('/') ? ['', bare] : [bare.slice(0, from), bare.slice(from)];
  const parts = path.split('/');
  // The first part of scheme://host/… is the host itself; of an absolute path it is empty.
  const floor = separator === '//' || root.startsWith('/') ? 1 : 0;
  let rest = written;
  while (/^\.\.?(\/|$)/.test(rest)) {
    if (rest.startsWith('..')) {
      if (parts.length <= floor) throw new RangeError(`${written} climbs out of ${fixed || '/'}${parts[0] ?? ''}`);
      parts.pop();
    }
    rest = rest.replace(/^\.\.?\/?/, '');
  }
  if (parts.length < floor || (floor === 1 && parts.length === 0))
    throw new RangeError(`${written} climbs out of the host`);
  return `${fixed}${[...parts, rest].join('/')}`.replace(/\/+$/, '');
}

/** Whether two URLs name the same repository, whatever protocol, case or `.git` they have. */
export function sameRepository(one: string, other: string): boolean {
  const [a, b] = [parseRemote(one), parseRemote(other)];
  return (
    a !== undefined && b !== undefined && hostName(a) === hostName(b) && a.path.toLowerCase() === b.path.toLowerCase()
  );
}

/** The origin that a token for this URL is for; undefined where none is sent. */
export function originOf(url: string): string | undefined {
  const remote = parseRemote(url);
  return remote?.kind === 'http' ? remote.host : undefined;
}

function hostName({ host }: Remote): string {
  return host
    .replace(/^https?:\/\//, '')
    .replace(/:\d+$/, '')
    .toLowerCase();
}

function plainPath(path: string): string {
  return path
    .replace(/^\/+/, '')
    .replace(/\/+$/, '')
    .replace(/\.git$/, '');
}

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

// Neither a user nor a host may begin with a dash: ssh would take it for an option.
const USER = '(?:(?!-)[^\\s/@:\\\\?#\'"]+@)?';
const HOST = '(?!-)[\\p{L}\\p{N}._-]+|\\[(?!-)[\\w.:%-]+\\]';
const SCP = new RegExp(`^${USER}(?!(?:https?|ssh|file):/)(?<host>${HOST}):(?![-:]|//)(?<path>.+)$`, 'iu');
const NETWORK = new RegExp(`^(?:https?|ssh)://${USER}(?:${HOST})(?::\\d+)?(?:[/?#]|$)`, 'iu');
const FILE = /^file:\/\/(?=\/)/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: no URL that git understands has them
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

const CHARACTERS_AT_MOST = 4096;

/** Takes a URL apart: http(s), ssh://, scp-like `user@host:path`, file:// or an absolute path. Undefined for anything else. */
export function parseRemote(url: string): Remote | undefined {
  if (CONTROL.test(url) || url.length > CHARACTERS_AT_MOST) return undefined;
  if (url.startsWith('/')) return { url, kind: 'file', host: '', path: plainPath(url) };
  if (FILE.test(url)) return { url, kind: 'file', host: '', path: plainPath(url.replace(FILE, '')) };
  const scp = SCP.exec(url)?.groups;
  if (scp) return { url, kind: 'ssh', host: scp.host ?? '', path: plainPath(scp.path ?? '') };
  // A backslash divides host and path for some readers and not for others.
  if (!NETWORK.test(url) || url.includes('\\') || !URL.canParse(url)) return undefined;
  const { protocol, host, pathname, origin } = new URL(url);
  if (protocol !== 'ssh:' && /\s/.test(url)) return undefined;
  const path = plainPath(decoded(pathname));
  return protocol === 'ssh:' ? { url, kind: 'ssh', host, path } : { url, kind: 'http', host: origin, path };
}

/** Why a URL is not one that git is given; completes "its URL …". */
export function urlProblem(url: string): string {
  if (/^(?:[a-z+]+:\/\/)?(?:[^/@]*@)?-/i.test(url))
    return 'starts with a dash, or its host does: a program would take it for an option';
  if (/^[\w+.-]*::/.test(url)) return 'names a transport helper, which runs a command';
  if (CONTROL.test(url)) return 'has control characters in it';
  if (url.length > CHARACTERS_AT_MOST) return `is longer than ${CHARACTERS_AT_MOST} characters`;
  if (/^[a-z][a-z\d+.-]*:\/\/[^/@\s]*:[^/@]*@/i.test(url)) return 'has a password in it';
  if (/^https?:.*\s/i.test(url)) return 'has blanks in it';
  return 'has an unknown form (known are relative, https, http, ssh, host:path and file URLs)';
}

/**
 * A submodule's URL seen from its root repository's URL, as git resolves `./` and `../` (git-submodule(1)).
 * Throws RangeError when it climbs out of the host, has an unknown form, or when an absolute one leaves the network for the
 * runner's own disk.
 */
export function resolveSubmoduleUrl(root: string, written: string): string {
  const resolved = /^\.\.?(\/|$)/.test(written) ? resolveRelative(root, written) : written;
  const remote = parseRemote(resolved);
  if (!remote) throw new RangeError(`its URL ${urlProblem(resolved)}`);
  if (remote.kind === 'file' && parseRemote(root)?.kind !== 'file')
    throw new RangeError(`${written} is a local path, but ${root} is not`);
  return resolved;
}

function resolveRelative(root: string, written: string): string {
  const rootRemote = parseRemote(root);
  if (!rootRemote) throw new RangeError("the root's URL is not understood");
  const bare = root.replace(/\/+$/, '');
  const separator = rootRemote.kind === 'ssh' && !/^ssh:/i.test(root) ? ':' : '//';
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

/** The same repository over https, for an ssh URL of the host that `base` (a forge's own URL) names; undefined for any other. */
export function overHttps(url: string, base: string): string | undefined {
  const remote = parseRemote(url);
  const there = parseRemote(base);
  if (remote?.kind !== 'ssh' || there?.kind !== 'http' || hostName(remote) !== hostName(there)) return undefined;
  return `${base.replace(/\/+$/, '')}/${encodeURI(remote.path)}.git`;
}

function hostName({ host }: Remote): string {
  return host
    .replace(/^https?:\/\//, '')
    .replace(/:\d+$/, '')
    .toLowerCase();
}

function plainPath(path: string): string {
  return path
    .replace(/\/{2,}/g, '/')
    .replace(/^\//, '')
    .replace(/\/$/, '')
    .replace(/\.git$/, '');
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

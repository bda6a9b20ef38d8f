import type { FoundEntry } from './entry.ts';

const ENTRY = /^([0-9a-f]{1,8}) ([0-9]{1,10}):([0-9]{1,10}) ([0-9]{1,15}) \.(?:\/(.*))?$/s;
const DIGEST = /^([0-9a-f]{64}) [ *]\.\/(.*)$/s;
const ODD =
  /^odd ((?:[0-9a-f]{2}){1,8192}) ([0-9a-f]{1,8}) ([0-9]{1,10}):([0-9]{1,10}) ([0-9]{1,15}) ([0-9a-f]{64}|-)$/;
const KINDS = [
  ['folder', 0o040000],
  ['file', 0o100000],
  ['link', 0o120000],
] as const;

/**
 * Reads what list.sh prints of a folder. The account that owns the folder may have written it: a line of another form is left out, and
 * what it says of its own files is proved when they are used.
 */
export function parseListing(text: string): FoundEntry[] {
  const entries = new Map<string, FoundEntry>();
  for (const line of text.split('\n')) {
    const [, mode, uid, gid, bytes, path] = ENTRY.exec(line) ?? [];
    const [, sha256, of] = DIGEST.exec(line) ?? [];
    const odd = ODD.exec(line);
    if (mode !== undefined) add(entries, path ?? '', { mode, uid, gid, bytes });
    else if (sha256 !== undefined) {
      const entry = entries.get(of ?? '');
      if (entry) entry.sha256 = sha256;
    } else if (odd) {
      const [, hex = '', mode = '', uid, gid, bytes, sum] = odd;
      const name = Buffer.from(hex, 'hex').toString('utf8');
      if (!name.startsWith('./')) continue;
      add(entries, name.slice(2), { mode, uid, gid, bytes });
      const entry = entries.get(name.slice(2));
      if (entry && sum !== '-') entry.sha256 = sum ?? '';
    }
  }
  return [...entries.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function add(
  entries: Map<string, FoundEntry>,
  path: string,
  {
    mode,
    uid,
    gid,
    bytes,
  }: { mode: string; uid: string | undefined; gid: string | undefined; bytes: string | undefined },
): void {
  const raw = Number.parseInt(mode, 16);
  const kind = KINDS.find(([, bits]) => (raw & 0o170000) === bits)?.[0] ?? 'other';
  entries.set(path, {
    ...{ path, kind, sha256: '', bytes: kind === 'file' ? Number(bytes) : 0 },
    ...{ executable: kind === 'file' && (raw & 0o100) !== 0, mode: raw & 0o7777, uid: Number(uid), gid: Number(gid) },
  });
}

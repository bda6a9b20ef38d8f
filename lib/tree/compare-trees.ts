import { createHash } from 'node:crypto';
import type { FoundEntry, SourceEntry, TreeEntry } from './entry.ts';

/** What makes the tree on the target the wanted one. */
export interface TreeChange {
  /** Files whose bytes are not on the target. */
  sent: SourceEntry[];
  /** Files that are there under the same path. */
  same: SourceEntry[];
  /** Files whose bytes are there under another path. */
  moved: { from: string; to: SourceEntry }[];
  /** Paths that are there and are not wanted. */
  deleted: string[];
  /** Paths whose owner or mode differ and whose content does not. */
  relabelled: string[];
  /** Folders and links that are not there yet. */
  added: SourceEntry[];
}

/** The modes of a tree's entries: folders and executables may be entered and executed by whoever may read them. */
export interface TreeModes {
  file: number;
  executable: number;
  folder: number;
}

/** By the mode of a plain file. */
export function modesOf(file: number): TreeModes {
  const executable = file | ((file & 0o444) >> 2);
  return { file, executable, folder: executable };
}

/** `reuse`: whether bytes that are there may be copied; they belong to the account that the new tree is for. */
export function compareTrees(
  wanted: readonly SourceEntry[],
  found: readonly FoundEntry[],
  { modes, owner, reuse }: { modes: TreeModes; owner: { uid: number; gid: number }; reuse: boolean },
): TreeChange {
  const present = new Map(found.map((entry) => [entry.path, entry]));
  const byDigest = new Map(
    found.filter(({ kind, sha256 }) => kind === 'file' && sha256 !== '').map((entry) => [entry.sha256, entry]),
  );
  const change: TreeChange = { sent: [], same: [], moved: [], deleted: [], relabelled: [], added: [] };
  for (const entry of wanted) {
    const there = present.get(entry.path);
    const sameContent = there?.kind === entry.kind && there.sha256 === entry.sha256;
    const elsewhere = byDigest.get(entry.sha256);
    if (entry.kind === 'file') {
      if (sameContent && reuse) change.same.push(entry);
      else if (elsewhere && reuse) change.moved.push({ from: elsewhere.path, to: entry });
      else change.sent.push(entry);
    } else if (!sameContent) change.added.push(entry);
    if (sameContent && !isLabelled(there, { mode: modeOf(entry, modes), owner })) change.relabelled.push(entry.path);
  }
  const paths = new Set(wanted.map(({ path }) => path));
  change.deleted = found.map(({ path }) => path).filter((path) => path !== '' && !paths.has(path));
  const top = present.get('');
  if (top && !isLabelled(top, { mode: modes.folder, owner })) change.relabelled.push('');
  return change;
}

/** Whether nothing has to be done. */
export function isUnchanged(
  { sent, moved, deleted, relabelled, added, same }: TreeChange,
  wanted: readonly SourceEntry[],
): boolean {
  const files = wanted.filter(({ kind }) => kind === 'file').length;
  const lists = [sent, moved, deleted, relabelled, added];
  return lists.every((list) => list.length === 0) && same.length === files;
}

/** One digest of names, kinds and contents, the same for a tree on the runner and on a target. */
export function treeDigest(entries: readonly TreeEntry[]): string {
  const hash = createHash('sha256');
  const inOrder = entries.filter(({ path }) => path !== '').sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const { path, kind, sha256 } of inOrder) hash.update(`${kind} ${sha256} ${Buffer.byteLength(path)}:${path}\n`);
  return hash.digest('hex');
}

function modeOf({ kind, executable }: TreeEntry, modes: TreeModes): number {
  if (kind === 'folder') return modes.folder;
  return executable ? modes.executable : modes.file;
}

function isLabelled(
  { kind, mode, uid, gid }: FoundEntry,
  wanted: { mode: number; owner: { uid: number; gid: number } },
): boolean {
  // A link's own mode means nothing.
  return uid === wanted.owner.uid && gid === wanted.owner.gid && (kind === 'link' || mode === wanted.mode);
}

import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { compareTrees, isUnchanged, modesOf, type TreeChange, treeDigest } from '../../lib/tree/compare-trees.ts';
import type { FoundEntry } from '../../lib/tree/entry.ts';
import { parseListing } from '../../lib/tree/parse-listing.ts';
import { scanTree } from '../../lib/tree/scan-tree.ts';
import { sentBytes, treeStream } from '../../lib/tree/tar-stream.ts';
import { unpackListing } from '../../lib/tree/unpack-listing.ts';
import program from '../../target/programs/deploy-folder.sh';
import inspection from '../../target/programs/inspect-folder.sh';
import { type Answered, type Sent, transact, usualValues } from './transaction.ts';

export interface FolderDeployed extends Answered {
  change: TreeChange;
  unchanged: boolean;
  sentBytes: number;
}

export interface FolderGiven {
  owner?: string;
  mode?: number;
  exclude?: string[];
  keep?: string[];
  shell?: readonly string[];
  values?: Sent['values'];
  /** Called between the inspection and the transaction. */
  between?: () => void;
}

/** Inspects the folder `to` and makes it the tree `from`, as one participant does. */
export async function folderDeploy(from: string, to: string, given: FolderGiven = {}): Promise<FolderDeployed> {
  const { exclude = [], keep = [], owner = '0:0', shell = ['dash'] } = given;
  const { said, found } = await inspectTree(to, { keep, owner, shell });
  const { entries, problems } = await scanTree(from, { exclude, keep });
  if (problems.length > 0) throw new Error(problems.join('\n'));
  const [uid = 0, gid = 0] = (said.wanted_ids ?? '').split(':').map(Number);
  const modes = modesOf(given.mode ?? 0o644);
  const top = found.find(({ path }) => path === '');
  const reuse = top !== undefined && top.uid === uid;
  const change = compareTrees(entries, found, { modes, owner: { uid, gid }, reuse });
  const seen = `${said.seen}${said.last_phase ? `\n${said.last_phase}` : ''}`;
  const octal = (mode: number) => mode.toString(8).padStart(4, '0');
  given.between?.();
  const answered = await transact(program, {
    shell,
    payload: Readable.from(treeStream(from, entries, change)).pipe(createGzip({ level: 1 })),
    values: {
      ...usualValues(to, seen),
      ...{ size: sentBytes(change), sha256: treeDigest(entries), encoding: 'gzip', owner: said.wanted_ids },
      ...{ mode: octal(modes.file), exec_mode: octal(modes.executable), folder_mode: octal(modes.folder) },
      ...{ reuse: reuse ? 'yes' : '', keep: keep.join('\n') },
      ...(top ? { old_sha: treeDigest(found), old_about: `${top.uid}:${top.gid} ${top.mode.toString(8)}` } : {}),
      ...given.values,
    },
  });
  return { ...answered, change, unchanged: isUnchanged(change, entries), sentBytes: sentBytes(change) };
}

/** What is in the folder `to`, by the program that says so. */
export async function inspectTree(
  to: string,
  { keep = [], owner = '0:0', shell = ['dash'] }: { keep?: string[]; owner?: string; shell?: readonly string[] },
): Promise<{ said: Record<string, string>; found: FoundEntry[] }> {
  const { folder, name } = usualValues(to);
  const patterns = keep.map((path) => path.replace(/[*?[\\]/g, '\\$&')).join('\n');
  const { said, lines } = await transact(inspection, {
    values: { folder, name, owner, keep: patterns, sudo: 'never' },
    shell,
  });
  const listing = unpackListing(lines.filter((line) => line.startsWith('tree=')).map((line) => line.slice(5)));
  return { said, found: listing === undefined ? [] : parseListing(listing) };
}

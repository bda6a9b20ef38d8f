import type { Answer } from '../../../lib/ssh/answer.ts';
import { modesOf, type TreeChange, treeDigest } from '../../../lib/tree/compare-trees.ts';
import type { FoundEntry, SourceEntry } from '../../../lib/tree/entry.ts';
import { parseListing } from '../../../lib/tree/parse-listing.ts';
import { sentBytes } from '../../../lib/tree/tar-stream.ts';
import { unpackListing } from '../../../lib/tree/unpack-listing.ts';
import program from '../../../target/programs/deploy-folder.sh';
import inspection from '../../../target/programs/inspect-folder.sh';
import type { Obstacle } from '../../deploy-binary/plan/obstacle.ts';
import type { FolderPart } from '../parts/part.ts';

/** The transaction of a folder, and what inspects it. */
export const folderProgram = program;
export const folderInspection = inspection;

/** What is there. */
export interface FoundFolder {
  /** What the transaction compares under its lock. */
  seen: string;
  /** Undefined where no folder is there. */
  entries: FoundEntry[] | undefined;
  /** The digest of what the last deploy put there. */
  deployed: string | undefined;
  wanted: { uid: number; gid: number };
  releases: string[];
  obstacles: Obstacle[];
}

/** What the inspection takes: the part as `find` reads it. */
export function folderQuestion(part: FolderPart) {
  const patterns = part.keep.map((path) => path.replace(/[*?[\\]/g, '\\$&'));
  return { owner: part.owner, keep: patterns.join('\n') };
}

/** Reads the answer of the inspection. */
export function foundFolder(answer: Answer, part: FolderPart): FoundFolder {
  const seen = answer.text('seen') ?? '';
  const listing = unpackListing(answer.texts('tree'));
  const [[uid = '0', gid = '0'] = []] = answer.parts('wanted_ids', /^([0-9]{1,10})(?::([0-9]{1,10}))?$/, 'an account');
  const obstacles: Obstacle[] = [];
  const refuse = (why: string, remedy: string) => obstacles.push({ why, remedy });
  const refused = answer.text('folder_refused') ?? answer.text('state_refused');
  const odd = answer.text('tree_refused');
  if (refused !== undefined) refuse(`${refused}.`, 'correct `to`, or create the folder that it lies in.');
  if (odd !== undefined) refuse(`${part.destination} can't be replaced: ${odd}.`, 'correct `to`, or move it away.');
  if (seen !== 'none' && seen !== '' && listing === undefined)
    refuse(`${part.destination} holds too much to be compared.`, 'name what belongs to the host in `keep`.');
  for (const tool of answer.texts('missing_tool'))
    refuse(`${tool} is missing on the target.`, `install ${tool} there.`);
  const phase = answer.text('last_phase');
  return {
    seen: phase === undefined ? seen : `${seen}\n${phase}`,
    entries: listing === undefined ? undefined : parseListing(listing),
    deployed: answer.digest('live_sha256'),
    wanted: { uid: Number(uid), gid: Number(gid) },
    releases: answer.texts('release'),
    obstacles,
  };
}

/** What the transaction takes beyond the values of every one. */
export function folderValues(
  part: FolderPart,
  { entries, wanted }: FoundFolder,
  { tree, change }: { tree: readonly SourceEntry[]; change: TreeChange },
) {
  const modes = modesOf(Number.parseInt(part.mode ?? '0644', 8));
  const octal = (mode: number) => mode.toString(8).padStart(4, '0');
  const top = entries?.find(({ path }) => path === '');
  return {
    size: sentBytes(change),
    sha256: treeDigest(tree),
    owner: `${wanted.uid}:${wanted.gid}`,
    mode: octal(modes.file),
    exec_mode: octal(modes.executable),
    folder_mode: octal(modes.folder),
    // What another account can write to is not copied into a folder of this one's.
    reuse: top?.uid === wanted.uid ? 'yes' : '',
    keep: part.keep.join('\n'),
    old_sha: entries && treeDigest(entries),
    old_about: top && `${top.uid}:${top.gid} ${octal(top.mode)}`,
  };
}

/** Whether somebody edited the folder since the last deploy. */
export function hasDrifted({ entries, deployed }: FoundFolder): boolean {
  return entries !== undefined && deployed !== undefined && treeDigest(entries) !== deployed;
}

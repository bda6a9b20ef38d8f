import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { Answer } from '../../../lib/ssh/answer.ts';
import { streamed } from '../../../lib/transfer/payload.ts';
import { compareTrees, isUnchanged, modesOf, type TreeChange, treeDigest } from '../../../lib/tree/compare-trees.ts';
import type { FoundEntry, SourceEntry } from '../../../lib/tree/entry.ts';
import { parseListing } from '../../../lib/tree/parse-listing.ts';
import { sentBytes, treeStream } from '../../../lib/tree/tar-stream.ts';
import { unpackListing } from '../../../lib/tree/unpack-listing.ts';
import { megabytes } from '../../../lib/values.ts';
import program from '../../../target/programs/deploy-folder.sh';
import type { PartKind } from '../../deploy-binary/deployment.ts';
import type { Found } from '../../deploy-binary/inspect/found.ts';
import type { Obstacle } from '../../deploy-binary/plan/obstacle.ts';
import { hostObstacles } from '../../deploy-binary/plan/obstacles/host.ts';
import type { Plan, PlanStep } from '../../deploy-binary/plan/plan.ts';
import type { UnitPlan } from '../../deploy-binary/plan/unit-plan.ts';
import type { FolderPart } from '../parts/part.ts';
import { driftObstacles } from '../plan/drift.ts';

const PHASES = {
  staged: 'new folder is on the target; every file verified',
  // Nothing is stopped, started or asked.
  stop: '',
  swap: 'replacing the folder',
  start: '',
  stable: '',
  accept: 'new folder accepted',
  rollback: 'rolling back',
  'restart-old': '',
  'rollback-stable': 'previous folder restored',
};

/** A folder's tree on the runner, and what has to change on the target. */
export interface FolderTree {
  tree: readonly SourceEntry[];
  change: TreeChange;
}

/** The transaction of a folder. */
export function folderKind(part: FolderPart, found: FoundFolder, { tree, change }: FolderTree): PartKind {
  const make = () => Readable.from(treeStream(part.source, tree, change)).pipe(createGzip({ level: 1 }));
  return {
    text: program,
    values: { ...folderValues(part, found, { tree, change }), restart: 'none' },
    form: () => ({ encoding: 'gzip', payload: streamed(make) }),
    phases: PHASES,
  };
}

/** How the tree differs from what is there. */
export function folderTree(
  part: FolderPart,
  { entries = [], wanted }: FoundFolder,
  tree: readonly SourceEntry[],
): FolderTree {
  const modes = modesOf(Number.parseInt(part.mode ?? '0644', 8));
  const reuse = entries.find(({ path }) => path === '')?.uid === wanted.uid;
  return { tree, change: compareTrees(tree, entries, { modes, owner: wanted, reuse }) };
}

/** Pure: what will be done with the folder, and why. */
export function planFolder(
  part: FolderPart,
  { found, folder }: { found: Found; folder: FoundFolder },
  { tree, change, needed }: FolderTree & { needed: string | undefined },
): Plan {
  const owner = `${folder.wanted.uid}:${folder.wanted.gid}`;
  const base = {
    ...{ owner, ownerIds: owner, sameOwner: true, mode: part.mode ?? '0644', restart: 'none' as const, runAs: '' },
    file: { from: 'upload' as const, sha256: treeDigest(tree), bytes: sentBytes(change) },
    units: NO_UNITS,
  };
  const obstacles = [...hostObstacles(part, found), ...folder.obstacles, ...driftObstacles(part, found)];
  if (obstacles.length > 0) return { ...base, kind: 'refused', obstacles, steps: [] };
  const isSame = folder.entries !== undefined && isUnchanged(change, tree);
  if (isSame && needed === undefined) return { ...base, kind: 'unchanged', obstacles, steps: [] };
  return { ...base, kind: 'deploy', obstacles, steps: stepsOf(part, folder, { change, needed, base }) };
}

function stepsOf(
  part: FolderPart,
  { entries }: FoundFolder,
  { change, needed, base }: { change: TreeChange; needed: string | undefined; base: { owner: string; mode: string } },
): PlanStep[] {
  const { sent, same, moved, deleted, relabelled } = change;
  const counts = [
    `${sent.length} of ${sent.length + same.length + moved.length} files differ`,
    ...(moved.length > 0 ? [`${moved.length} moved`] : []),
    ...(deleted.length > 0 ? [`${deleted.length} entries are deleted`] : []),
    ...(relabelled.length > 0 ? [`owner or mode of ${relabelled.length} differ`] : []),
  ];
  return [
    { does: `upload ${megabytes(sentBytes(change))} beside the live folder`, because: needed ?? counts.join(', ') },
    ...(part.keep.length > 0
      ? [{ does: `move ${part.keep.join(', ')} to the new folder`, because: '`keep` names it' }]
      : []),
    {
      does: `replace the folder, owner ${base.owner}, mode of files ${base.mode}`,
      because: entries ? 'no path in it may mix old and new' : 'nothing is there yet',
    },
  ];
}

const NO_UNITS: UnitPlan = {
  ...{ unit: '', user: '', because: '', units: [], restarted: [], left: [], dependents: [], triggers: [], wanted: [] },
  ...{ notes: [], obstacles: [] },
};

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
function folderValues(
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

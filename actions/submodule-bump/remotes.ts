import { setTimeout as sleep } from 'node:timers/promises';
import { Failure, GitError } from '../../lib/errors.ts';
import { type Clone, thinClone } from '../../lib/git/clone.ts';
import { expectGit } from '../../lib/git/failure.ts';
import type { Git } from '../../lib/git/git.ts';
import { readTip } from '../../lib/git/tip.ts';
import type { Workspace } from '../../lib/git/workspace.ts';
import type { BumpInputs, FurtherRemote } from './inputs.ts';
import { pushCommit } from './push.ts';
import { type Bench, type Bumped, pauseSeconds } from './race.ts';

/** One remote of the root repository, as it was read before anything was pushed. */
export interface Root {
  name: string;
  url: string;
  kind: FurtherRemote['kind'];
  /** Whether it will be pushed: gated ones only when the run says so. */
  pushed: boolean;
  branch: string;
  tip: string;
  format: 'sha1' | 'sha256';
  /** Why it can't be read; the tip is empty then. */
  failure: Failure | undefined;
}

export type RemoteState =
  | 'pushed'
  | 'up-to-date'
  | 'healed'
  | 'superseded'
  | 'diverged'
  | 'denied'
  | 'unreachable'
  | 'skipped';

/** What became of one remote. */
export interface RemoteTold {
  name: string;
  url: string;
  kind: Root['kind'];
  state: RemoteState;
  old: string;
  new: string;
  why: string;
}

/** The root tree alone: a wide root would otherwise cost what its folders do. */
const THIN = { depth: 1, filters: ['tree:1', 'blob:limit=64k'] };

/** Fetches the tip of the primary remote, and nothing of the root but its first tree where the server lets us. */
export async function readPrimary(work: Workspace, url: string, inputs: BumpInputs): Promise<Clone & { root: Root }> {
  const clone = await thinClone(await work.room(), url, { ...THIN, branch: inputs.branch });
  const branch = /^refs\/heads\/(.+)$/.exec(clone?.ref ?? '')?.[1];
  if (clone && branch !== undefined) {
    const format = clone.tip.length === 64 ? 'sha256' : 'sha1';
    const found = { pushed: true, branch, tip: clone.tip, format, failure: undefined } as const;
    return { ...clone, root: { name: 'primary', url, kind: 'required', ...found } };
  }
  const [why, remedy] =
    inputs.branch === undefined
      ? ['the repository is empty, or its HEAD names no branch.', 'push a first commit there, or set branch.']
      : ['there is no such branch (a tag of that name does not count).', 'create it, or correct branch.'];
  throw new GitError({ what: `Reading the branch ${inputs.branch ?? ''}`.trim(), where: url, why, remedy });
}

/** Reads the further remotes that are to be pushed. Throws for a required one that can't be read. */
export function readFurther(git: Git, primary: Root, { remotes, pushGated }: BumpInputs): Promise<Root[]> {
  return Promise.all(
    remotes.map(async (remote): Promise<Root> => {
      const pushed = remote.kind !== 'gated' || pushGated;
      const { branch, format } = primary;
      const root = { ...remote, pushed, branch, tip: '', format, failure: undefined };
      if (!pushed) return root;
      try {
        return { ...root, tip: (await readTip(git, remote.url, branch)) ?? '' };
      } catch (error) {
        if (!(error instanceof Failure) || remote.kind === 'required') throw error;
        return { ...root, pushed: false, failure: error };
      }
    }),
  );
}

/** Brings the further remotes to the primary's commit, in order: the identical one, never a forced one. */
export async function pushFurther(work: Workspace, bench: Bench, bumped: Bumped): Promise<RemoteTold[]> {
  const [primary, ...further] = bench.roots as [Root, ...Root[]];
  const told: RemoteTold[] = [
    {
      name: primary.name,
      url: primary.url,
      kind: primary.kind,
      state: bumped.result,
      old: bumped.before,
      new: bumped.rootCommit,
      why: '',
    },
  ];
  for (const root of further) told.push(await pushOne(work, root, { primary, bumped, bench }));
  return told;
}

interface Push {
  primary: Root;
  bumped: Bumped;
  bench: Bench;
}

async function pushOne(work: Workspace, root: Root, push: Push): Promise<RemoteTold> {
  const base = { name: root.name, url: root.url, kind: root.kind, old: root.tip, new: root.tip, why: '' };
  const failure = root.failure ?? push.bumped.judged.lacking.get(root.url);
  if (failure) return { ...base, state: 'unreachable', why: failure.fields.why };
  if (!root.pushed)
    return {
      ...base,
      state: 'skipped',
      why: push.bench.inputs.pushGated ? '' : 'it is gated, and push-gated is false',
    };
  try {
    return await bringAlong(work, root, push);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { ...base, state: 'unreachable', why: error.fields.why };
  }
}

/** Pushes until the remote has the commit: other bumps bring the same remote along, and may have been faster. */
async function bringAlong(work: Workspace, root: Root, { primary, bumped, bench }: Push): Promise<RemoteTold> {
  const { inputs, context } = bench;
  const commit = bumped.rootCommit;
  const deadline = Date.now() + inputs.deadlineSeconds * 1000;
  // What was read before a race on the primary is likely to be outdated by those who won it.
  let tip = bumped.attempts > 1 ? await readAgain(bench.git, root) : root.tip;
  for (let attempts = 1; ; attempts += 1) {
    const base = { name: root.name, url: root.url, kind: root.kind, old: tip, new: tip, why: '' };
    if (tip === commit) return { ...base, state: 'up-to-date' };
    // In step with the primary, the small repository suffices; else the whole history is needed to tell and to send.
    const inStep = tip === bumped.before && commit !== bumped.before;
    const git = inStep ? bench.git : await wholeHistory(work, primary, { ...root, tip });
    if (!inStep && tip !== '') {
      if (await isAncestor(git, commit, tip))
        return { ...base, state: 'superseded', why: 'it is ahead of this commit' };
      if (!(await isAncestor(git, tip, commit)))
        return { ...base, state: 'diverged', why: `it has ${tip}, which the primary does not` };
    }
    if (inputs.dryRun) return { ...base, state: 'skipped', why: 'it lags, and dry-run is set' };
    const { verdict, result } = await pushCommit(git, root.url, { branch: root.branch, lease: tip, commit });
    if (verdict === 'pushed') return { ...base, new: commit, state: inStep ? 'pushed' : 'healed' };
    if (verdict !== 'lost race' || Date.now() >= deadline || context.signal.aborted) {
      const why = (result.err || result.out).trim().split('\n').slice(-3).join(' ');
      return { ...base, state: verdict === 'unclear' ? 'unreachable' : 'denied', why };
    }
    await sleep(pauseSeconds(attempts) * 1000, undefined, { signal: context.signal }).catch(() => undefined);
    tip = await readAgain(bench.git, root);
  }
}

/** Empty where there is no such branch. */
async function readAgain(git: Git, { url, branch }: Root): Promise<string> {
  return (await readTip(git, url, branch)) ?? '';
}

async function wholeHistory(work: Workspace, primary: Root, root: Root): Promise<Git> {
  const git = await work.open(root.format);
  const roots = { primary, ...(root.tip === '' ? {} : { further: root }) };
  for (const [name, { url, branch }] of Object.entries(roots)) {
    const ref = `+refs/heads/${branch}:refs/tips/${name}`;
    await expectGit(git, ['fetch', '--quiet', '--no-tags', url, ref], { what: `Fetching ${branch}`, where: url });
  }
  return git;
}

async function isAncestor(git: Git, older: string, newer: string): Promise<boolean> {
  return (await git(['merge-base', '--is-ancestor', older, newer])).code === 0;
}

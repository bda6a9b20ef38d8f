import { Failure, ForgejoError, GitError } from '../../lib/errors.ts';
import { type Clone, thinClone } from '../../lib/git/clone.ts';
import { expectGit, gitFailure } from '../../lib/git/failure.ts';
import type { Git } from '../../lib/git/git.ts';
import { readTip } from '../../lib/git/tip.ts';
import type { Workspace } from '../../lib/git/workspace.ts';
import type { BumpContext, BumpResult } from './bump-context.ts';
import type { BumpInputs } from './inputs.ts';
import { pause, pauseSeconds } from './pause.ts';
import { pushCommit, watchPushes } from './push.ts';
import type { RemoteResult, Root } from './root.ts';

/** The root tree alone: a wide root would otherwise cost what its folders do. */
const THIN = { depth: 1, filters: ['tree:1', 'blob:limit=64k'] };

/** Fetches the tip of the primary remote, and nothing of the root but its first tree where the server lets us. */
export async function readPrimary(work: Workspace, url: string, inputs: BumpInputs): Promise<Clone & { root: Root }> {
  const clone = await thinClone(await work.room(url), url, { ...THIN, branch: inputs.branch });
  const branch = /^refs\/heads\/(.+)$/.exec(clone?.ref ?? '')?.[1];
  if (clone && branch !== undefined) {
    const format = clone.tip.length === 64 ? 'sha256' : 'sha1';
    const found = { pushed: true, branch, tip: clone.tip, format, failure: undefined } as const;
    return { ...clone, root: { name: 'primary', url, kind: 'required', ...found } };
  }
  const [why, remedy] =
    inputs.branch === undefined
      ? ['the repository is empty, or its HEAD names no branch.', 'push a first commit there, or set `branch`.']
      : ['there is no such branch (a tag of that name does not count).', 'create it, or correct `branch`.'];
  throw new GitError({ what: `Reading the branch ${inputs.branch ?? ''}`.trim(), where: url, why, remedy });
}

/** Reads the further remotes that are to be pushed. Throws for a required one that can't be read, or has a `problemOf` it. */
export function readFurther(
  git: Git,
  primary: Root,
  { inputs, problemOf }: { inputs: BumpInputs; problemOf: (url: string) => Failure | undefined },
): Promise<Root[]> {
  return Promise.all(
    inputs.remotes.map(async (remote): Promise<Root> => {
      const pushed = remote.kind !== 'gated' || inputs.pushGated;
      const { branch, format } = primary;
      const root = { ...remote, pushed, branch, tip: '', format, failure: undefined };
      if (!pushed) return root;
      try {
        const problem = problemOf(remote.url);
        if (problem) throw problem;
        return { ...root, tip: (await readTip(git, remote.url, branch)) ?? '' };
      } catch (error) {
        if (!(error instanceof Failure) || remote.kind === 'required') throw error;
        return { ...root, pushed: false, failure: error };
      }
    }),
  );
}

/** Brings the further remotes to the primary's commit, in order: the identical one, never a forced one. */
export async function pushFurther(work: Workspace, bump: BumpContext, bumped: BumpResult): Promise<RemoteResult[]> {
  const [primary, ...further] = bump.roots;
  const results: RemoteResult[] = [
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
  for (const root of further) results.push(await pushOne(work, root, { primary, bumped, bump }));
  return results;
}

interface Push {
  primary: Root;
  bumped: BumpResult;
  bump: BumpContext;
}

async function pushOne(work: Workspace, root: Root, push: Push): Promise<RemoteResult> {
  const base = { name: root.name, url: root.url, kind: root.kind, old: root.tip, new: root.tip, why: '' };
  const failure = root.failure ?? push.bumped.judged.lacking.get(root.url);
  if (failure)
    return { ...base, state: failure instanceof ForgejoError ? 'denied' : 'unreachable', why: failure.fields.why };
  if (!root.pushed)
    return {
      ...base,
      state: 'skipped',
      why: push.bump.inputs.pushGated ? '' : 'gated, and `push-gated` is false',
    };
  try {
    return await bringAlong(work, root, push);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { ...base, state: 'unreachable', why: error.fields.why };
  }
}

/** Pushes until the remote has the commit: other bumps bring the same remote along, and may have been faster. */
async function bringAlong(work: Workspace, root: Root, { primary, bumped, bump }: Push): Promise<RemoteResult> {
  const { inputs, context } = bump;
  const commit = bumped.rootCommit;
  const deadline = Date.now() + inputs.deadlineSeconds * 1000;
  const isFinal = watchPushes();
  // What was read before a race on the primary is likely to be outdated by those who won it.
  let tip = bumped.attempts > 1 ? await readAgain(bump.git, root) : root.tip;
  for (let attempts = 1; ; attempts += 1) {
    const base = { name: root.name, url: root.url, kind: root.kind, old: tip, new: tip, why: '' };
    if (tip === commit) return { ...base, state: 'up-to-date' };
    // In step with the primary, the small repository suffices; otherwise the whole history is needed to compare and to send.
    const inStep = tip === bumped.before && commit !== bumped.before;
    const git = inStep ? bump.git : await wholeHistory(work, primary, { ...root, tip });
    const relation = inStep || tip === '' ? 'behind' : await relationOf(git, { tip, commit });
    if (relation === 'ahead') return { ...base, state: 'superseded', why: 'already ahead' };
    if (relation !== 'behind') return { ...base, state: 'diverged', why: whyDiverged(relation, tip) };
    if (inputs.dryRun) return { ...base, state: 'skipped', why: 'behind; not pushed (`dry-run`)' };
    const { verdict, result } = await pushCommit(git, root.url, { branch: root.branch, lease: tip, commit });
    if (verdict === 'pushed') return { ...base, new: commit, state: inStep ? 'pushed' : 'healed' };
    const isOver = verdict !== 'lost race' || Date.now() >= deadline || context.signal.aborted;
    if (!isOver) {
      await pause(pauseSeconds(attempts) * 1000, context.signal);
      tip = await readAgain(bump.git, root);
    }
    if (!isOver && !isFinal(verdict, tip !== base.old)) continue;
    const { why } = gitFailure({ what: `Pushing ${root.branch}`, where: root.url }, result).fields;
    const words = (result.err || result.out).trim().split('\n').slice(-3).join(' ');
    return { ...base, state: verdict === 'unclear' ? 'unreachable' : 'denied', why: `${why} ${words}` };
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
    // A shallow repository's branch would be left out otherwise, with a warning.
    const asked = ['fetch', '--quiet', '--no-tags', '--update-shallow', '--', url, ref];
    await expectGit(git, asked, { what: `Fetching ${branch}`, where: url }, { remote: url });
  }
  return git;
}

type RootRelation = 'ahead' | 'behind' | 'diverged' | 'cut';

/** How a remote's tip relates to the commit; `cut` where the history of a shallow repository ends too early to say. */
async function relationOf(git: Git, { tip, commit }: { tip: string; commit: string }): Promise<RootRelation> {
  if (await isAncestor(git, commit, tip)) return 'ahead';
  if (await isAncestor(git, tip, commit)) return 'behind';
  return (await git(['rev-parse', '--is-shallow-repository'])).out.trim() === 'true' ? 'cut' : 'diverged';
}

function whyDiverged(relation: RootRelation, tip: string): string {
  if (relation === 'diverged') return `it has ${tip}, which the primary does not`;
  return `it has ${tip}, and its repository is shallow: its history does not reach back to this commit, so they can't be compared. Run \`git fetch --unshallow\` there`;
}

/** Throws where git can't say: a commit that is not here is no answer. */
async function isAncestor(git: Git, older: string, newer: string): Promise<boolean> {
  const result = await git(['merge-base', '--is-ancestor', older, newer]);
  if (result.code <= 1) return result.code === 0;
  throw gitFailure({ what: 'Comparing the remotes', where: newer }, result);
}

import { Failure, GitError } from '../../lib/errors.ts';
import type { Git } from '../../lib/git/git.ts';
import { judgePush } from '../../lib/git/push.ts';
import { readTip } from '../../lib/git/repository.ts';
import type { Workspace } from '../../lib/git/workspace.ts';
import type { BumpInputs, FurtherRemote } from './inputs.ts';
import { pushCommit } from './push.ts';
import type { Bumped } from './race.ts';

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

/** Reads every remote; the primary first, and it must be readable and have the branch. */
export async function readRoots(work: Workspace, url: string, inputs: BumpInputs): Promise<Root[]> {
  const git = await work.open('look', 'sha1');
  const primary = await readTip(git, url, inputs.branch);
  if (primary.tip === undefined) {
    throw new GitError({
      what: `Reading the branch ${primary.branch}`,
      where: url,
      why: 'there is no such branch (a tag of that name does not count).',
      remedy: 'create it, or correct branch.',
    });
  }
  const format = primary.tip.length === 64 ? 'sha256' : 'sha1';
  const roots: Root[] = [
    {
      name: 'primary',
      url,
      kind: 'required',
      pushed: true,
      branch: primary.branch,
      tip: primary.tip,
      format,
      failure: undefined,
    },
  ];
  for (const remote of inputs.remotes) {
    const pushed = remote.kind !== 'gated' || inputs.pushGated;
    const root: Root = { ...remote, pushed, branch: primary.branch, tip: '', format, failure: undefined };
    if (pushed) {
      try {
        root.tip = (await readTip(git, remote.url, primary.branch)).tip ?? '';
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        if (remote.kind === 'required') throw error;
        root.failure = error;
        root.pushed = false;
      }
    }
    roots.push(root);
  }
  return roots;
}

/** Brings the further remotes to the primary's commit, in order: the identical one, never a forced one. */
export async function pushFurther(
  work: Workspace,
  roots: readonly Root[],
  { bumped, inputs }: { bumped: Bumped; inputs: BumpInputs },
): Promise<RemoteTold[]> {
  const [primary, ...further] = roots as [Root, ...Root[]];
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
  for (const root of further) told.push(await pushOne(work, root, { primary, bumped, inputs }));
  return told;
}

async function pushOne(
  work: Workspace,
  root: Root,
  { primary, bumped, inputs }: { primary: Root; bumped: Bumped; inputs: BumpInputs },
): Promise<RemoteTold> {
  const base = { name: root.name, url: root.url, kind: root.kind, old: root.tip, new: root.tip, why: '' };
  if (root.failure) return { ...base, state: 'unreachable', why: root.failure.fields.why };
  if (!root.pushed)
    return { ...base, state: 'skipped', why: inputs.pushGated ? '' : 'it is gated, and push-gated is false' };
  if (root.tip === bumped.rootCommit) return { ...base, state: 'up-to-date' };
  const commit = bumped.rootCommit;
  // In step with the primary, the small repository suffices; else the whole history is needed to tell and to send.
  const inStep = root.tip === bumped.before && commit !== bumped.before;
  const git = inStep ? await work.open('root', root.format) : await wholeHistory(work, primary, root);
  if (!inStep && root.tip !== '') {
    if (await isAncestor(git, commit, root.tip))
      return { ...base, state: 'superseded', why: 'it is ahead of the primary' };
    if (!(await isAncestor(git, root.tip, commit)))
      return { ...base, state: 'diverged', why: `it has ${root.tip}, which the primary does not` };
  }
  const { verdict, result } = await pushCommit(git, root.url, { branch: root.branch, lease: root.tip, commit });
  if (verdict === 'pushed') return { ...base, new: commit, state: inStep ? 'pushed' : 'healed' };
  const why = (result.err || result.out).trim().split('\n').slice(-3).join(' ');
  return {
    ...base,
    state:
      verdict === 'unclear' || judgePush(result) === 'unclear'
        ? 'unreachable'
        : verdict === 'lost race'
          ? 'diverged'
          : 'denied',
    why,
  };
}

async function wholeHistory(work: Workspace, primary: Root, root: Root): Promise<Git> {
  const git = await work.open('whole', root.format);
  await git(['fetch', '--quiet', '--no-tags', primary.url, `+refs/heads/${primary.branch}:refs/tips/primary`]);
  await git(['fetch', '--quiet', '--no-tags', root.url, `+refs/heads/${root.branch}:refs/tips/${root.name}`]);
  return git;
}

async function isAncestor(git: Git, older: string, newer: string): Promise<boolean> {
  return (await git(['merge-base', '--is-ancestor', older, newer])).code === 0;
}

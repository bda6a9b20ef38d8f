import { GitError } from '../../lib/errors.ts';
import type { Submodule } from '../../lib/git/modules.ts';
import { resolveSubmoduleUrl, sameRepository } from '../../lib/git/url.ts';
import type { Wanted } from './inputs.ts';

/** What this run is for. */
export interface Self {
  url: string;
  sha: string;
  ref: string;
  /** Undefined while the root has not been read. */
  rootBranch?: string | undefined;
}

const COMMIT = /^[0-9a-f]{40}([0-9a-f]{24})?$/;

/** The entry of .gitmodules that is meant: by path, by name, or the one whose URL is this repository. */
export function findModule(
  modules: readonly Submodule[],
  { submodule }: Wanted,
  { rootUrl, self }: { rootUrl: string; self: { url: string } },
): Submodule {
  const known = modules.map(({ path }) => path).join(', ') || 'none';
  const matches =
    submodule === undefined
      ? modules.filter((module) => self.url !== '' && sameRepository(safeUrl(rootUrl, module), self.url))
      : modules.filter(
          ({ name, path }) =>
            path === submodule || (name === submodule && !modules.some((other) => other.path === submodule)),
        );
  // A name fits one entry, yet another may have the same path.
  const fitting = modules.filter(({ path }) => matches.some((match) => match.path === path));
  const [module] = fitting;
  if (module && fitting.length === 1) return module;
  throw new GitError({
    what: `Finding the submodule ${submodule ?? `whose URL is ${self.url || 'this repository'}`}`,
    where: rootUrl,
    why:
      fitting.length > 1
        ? `more than one entry of .gitmodules fits: ${fitting.map(({ name }) => name).join(', ')}.`
        : `.gitmodules has no such entry; it has: ${known}.`,
    remedy: 'set submodule to the one meant, or correct .gitmodules in the root repository.',
  });
}

/** The refusal of two commits for one pointer, one of which would be lost without a word. */
export function namedTwice(path: string, rootUrl: string): GitError {
  return new GitError({
    what: `Finding the submodule ${path}`,
    where: rootUrl,
    why: 'more than one line of submodule names it.',
    remedy: 'leave one line for it. Nothing was pushed.',
  });
}

/** The URL of a submodule as a root at `rootUrl` resolves it. */
export function submoduleUrl(rootUrl: string, module: Submodule): string {
  try {
    return resolveSubmoduleUrl(rootUrl, module.url);
  } catch (error) {
    throw new GitError({
      what: `Resolving the URL of ${module.path}`,
      where: rootUrl,
      why: `${(error as Error).message}.`,
      remedy: 'correct its url in .gitmodules of the root repository.',
    });
  }
}

/**
 * The pipeline of a submodule moves its own pointer: where its repository most probably is, seen from the root, and the
 * branch. Undefined when the inputs name a submodule, or the run has no repository.
 */
export function probablePlace(
  rootUrl: string,
  wanted: readonly Wanted[],
  { repository, sha, ref }: { repository: string; sha: string; ref: string },
): { url: string; expected: string | undefined } | undefined {
  const [one] = wanted;
  const group = /^(.*[/:])[^/:]+\/[^/:]+\/?$/.exec(rootUrl)?.[1];
  if (!one || one.submodule !== undefined || repository === '' || !group) return undefined;
  return { url: `${group}${repository}.git`, expected: expectedBranch(undefined, one.commit ?? sha, { sha, ref }) };
}

/** The branch that a submodule follows, `.` being the root's own; undefined for the one that HEAD names there. */
export function followedBranch(
  module: Submodule | undefined,
  { rootBranch }: Pick<Self, 'rootBranch'>,
): string | undefined {
  return module?.branch === '.' ? rootBranch : module?.branch;
}

/** The branch that probably has the commit: the one named, the one this run is for, or the one that is followed. */
export function expectedBranch(
  module: Submodule | undefined,
  commit: string,
  self: Omit<Self, 'url'>,
): string | undefined {
  const followed = followedBranch(module, self);
  if (!isFullId(commit)) return /^refs\//.test(commit) || commit === '' ? followed : commit;
  const [, branch] = /^refs\/heads\/(.+)$/.exec(self.ref) ?? [];
  return commit === self.sha && branch ? branch : followed;
}

/** Whether it is a commit's full id, which needs no looking up. */
export function isFullId(wanted: string): boolean {
  return COMMIT.test(wanted);
}

/** A branch, else a tag of the submodule; tips by full ref name. */
export function commitOf(wanted: string, tips: ReadonlyMap<string, string>, url: string): string {
  const commit = tips.get(wanted) ?? tips.get(`refs/heads/${wanted}`) ?? tips.get(`refs/tags/${wanted}`);
  if (commit) return commit;
  throw new GitError({
    what: 'Finding the commit',
    where: url,
    why:
      wanted === ''
        ? 'no commit is given, and this run has none.'
        : `${wanted} is no full commit id, branch or tag there.`,
    remedy: 'push it there first, or correct commit.',
  });
}

/** The refusal of a commit that a clone of the root would not get. */
export function unreachable(commit: string, url: string, { path }: Submodule): GitError {
  return new GitError({
    what: `Checking the new commit of ${path}`,
    where: url,
    why: `${commit} is not in the history of any branch or tag there: a clone of the root would not get it.`,
    remedy: 'push the branch of the submodule there first, then run this again. Nothing was pushed.',
  });
}

/** The refusal of a commit that would lose others. */
export function diverged(from: string, to: string, { url, module }: { url: string; module: Submodule }): GitError {
  return new GitError({
    what: `Moving the pointer of ${module.path}`,
    where: url,
    why: `${to} does not descend from ${from}, which the root points to: commits would be lost from it.`,
    remedy:
      'merge or rebase the branch of the submodule; if going there is meant, set allow-rewind: true. Nothing was pushed.',
  });
}

function safeUrl(rootUrl: string, { url }: Submodule): string {
  try {
    return resolveSubmoduleUrl(rootUrl, url);
  } catch {
    return '';
  }
}

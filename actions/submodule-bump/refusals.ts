import { GitError } from '../../lib/errors.ts';
import type { Submodule } from '../../lib/git/modules.ts';

const LISTED_AT_MOST = 20;

/** The refusal of a name that more than one entry has. */
export function ambiguous(meant: string, fitting: readonly Submodule[], rootUrl: string): GitError {
  return new GitError({
    what: `Finding the submodule ${meant}`,
    where: rootUrl,
    why: `more than one entry of .gitmodules matches: ${listed(fitting.map(({ name }) => name))}.`,
    remedy: 'set `submodule` to the intended entry, or correct .gitmodules in the root repository.',
  });
}

/** The refusal of a name that no entry has. */
export function unknownModule(meant: string, modules: readonly Submodule[], rootUrl: string): GitError {
  return new GitError({
    what: `Finding the submodule ${meant}`,
    where: rootUrl,
    why: `.gitmodules has no such entry; it has: ${listed(modules.map(({ path }) => path))}.`,
    remedy: 'set `submodule` to the intended entry, or correct .gitmodules in the root repository.',
  });
}

/** The refusal of an entry that git can't use, or that may not be used here. */
export function unusableModule({ path }: Submodule, why: string, rootUrl: string): GitError {
  return new GitError({
    what: `Reading the entry of ${path} in .gitmodules`,
    where: rootUrl,
    why: `${why}.`,
    remedy: 'correct .gitmodules in the root repository. Nothing was pushed.',
  });
}

/** The refusal of two commits for one pointer, one of which would be lost without a word. */
export function namedTwice(path: string, rootUrl: string): GitError {
  return new GitError({
    what: `Finding the submodule ${path}`,
    where: rootUrl,
    why: 'more than one line of `submodule` names it.',
    remedy: 'leave one line for it. Nothing was pushed.',
  });
}

/** The refusal of a name under `exclude` that would exclude nothing. */
export function unknownExclude(name: string, modules: readonly Submodule[], rootUrl: string): GitError {
  return new GitError({
    what: `Excluding ${name} from the sweep`,
    where: rootUrl,
    why: `.gitmodules has no such entry; it has: ${listed(modules.map(({ path }) => path))}.`,
    remedy: 'correct `exclude`. Nothing was pushed.',
  });
}

/** The refusal of a path at which no pointer can be. */
export function notAGitlink(path: string, why: string, rootUrl: string): GitError {
  return new GitError({
    what: `Reading the pointer of ${path}`,
    where: rootUrl,
    why,
    remedy: 'add the submodule there first (`git submodule add`), or correct `submodule`.',
  });
}

/** The refusal of a name that the submodule's repository does not have. */
export function unknownCommit(wanted: string, url: string): GitError {
  return new GitError({
    what: 'Finding the commit',
    where: url,
    why:
      wanted === ''
        ? '`commit` is not set, and this run has no commit.'
        : `${wanted} is not a full commit id, branch or tag there.`,
    remedy: 'push it there first, or correct `commit`.',
  });
}

/** The refusal of a commit that a clone of the root would not get. */
export function unreachable(commit: string, url: string, { path }: Submodule): GitError {
  return new GitError({
    what: `Checking the new commit of ${path}`,
    where: url,
    why: `${commit} is not in the history of any branch or tag there: a clone of the root would not get it.`,
    remedy: 'push the branch of the submodule there first, then re-run the job. Nothing was pushed.',
  });
}

interface Refused {
  from: string;
  to: string;
  url: string;
  module: Submodule;
}

/** The refusal of a commit that would lose others. */
export function diverged({ from, to, url, module }: Refused): GitError {
  return new GitError({
    what: `Moving the pointer of ${module.path}`,
    where: url,
    why: `${to} does not descend from ${from}, which the root points to, so commits would be lost.`,
    remedy:
      'merge or rebase the branch of the submodule; if the move is intended, set `allow-rewind: true`. Nothing was pushed.',
  });
}

/** The refusal to leave a commit that is on no branch any more: nothing can descend from it, whatever is merged. */
export function orphaned({ from, to, url, module }: Refused): GitError {
  return new GitError({
    what: `Moving the pointer of ${module.path}`,
    where: url,
    why: `the root points to ${from}, which is not in the history of any branch or tag there (never pushed; or squashed, rebased or deleted since): ${to} does not descend from it.`,
    remedy:
      'check that the branch has the changes of that commit, then set `allow-rewind: true` for one run. Nothing was pushed.',
  });
}

function listed(names: readonly string[]): string {
  const more = names.length - LISTED_AT_MOST;
  return `${names.slice(0, LISTED_AT_MOST).join(', ') || 'none'}${more > 0 ? ` and ${more} more` : ''}`;
}

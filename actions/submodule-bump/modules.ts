import { pathProblem, type Submodule } from '../../lib/git/modules.ts';
import { isFullId, isRefName } from '../../lib/git/refs.ts';
import { resolveSubmoduleUrl, sameRepository } from '../../lib/git/url.ts';
import type { WantedPointer } from './inputs.ts';
import { ambiguous, unknownCommit, unknownModule, unusableModule } from './refusals.ts';

/** What this run is for. */
export interface ThisRun {
  /** Of its repository; empty outside a run. */
  url: string;
  sha: string;
  ref: string;
  /** Undefined while the root has not been read. */
  rootBranch?: string | undefined;
}

/** One pointer asked for. */
export interface RequestedMove {
  module: Submodule;
  /** A full id, a branch or a tag. */
  commit: string;
  expected: string | undefined;
}

/** The pointer that is meant. A line may be a path with an equals sign in it, or `path=commit`. */
export function requestedMove(
  modules: readonly Submodule[],
  wanted: WantedPointer,
  context: { rootUrl: string; self: ThisRun },
): RequestedMove {
  const { self } = context;
  const isWhole = wanted.line !== undefined && modules.some((one) => isNamed(one, wanted.line ?? ''));
  const module = findModule(modules, isWhole ? wanted.line : wanted.submodule, context);
  const commit = (isWhole ? wanted.defaultCommit : wanted.commit) ?? self.sha;
  return { module, commit, expected: expectedBranch(module, commit, self) };
}

/** The entry of .gitmodules that is meant: by path, by name, or the one whose URL is this repository. */
export function findModule(
  modules: readonly Submodule[],
  submodule: string | undefined,
  { rootUrl, self }: { rootUrl: string; self: { url: string } },
): Submodule {
  const byPath = modules.filter(({ path }) => path === plainPath(submodule ?? ''));
  const matches =
    submodule === undefined
      ? modules.filter((module) => self.url !== '' && sameRepository(urlOrNothing(rootUrl, module), self.url))
      : byPath.length > 0
        ? byPath
        : modules.filter(({ name }) => name === submodule);
  // A name fits one entry, yet another may have the same path.
  const paths = new Set(matches.map(({ path }) => path));
  const fitting = modules.filter(({ path }) => paths.has(path));
  const [module] = fitting;
  const meant = submodule ?? `whose URL is ${self.url || 'this repository'}`;
  if (fitting.length > 1) throw ambiguous(meant, fitting, rootUrl);
  if (!module) throw unknownModule(meant, modules, rootUrl);
  return usable(module, rootUrl);
}

/** The same entry. Throws a GitError where its path or branch is none that git can use. */
export function usable(module: Submodule, rootUrl: string): Submodule {
  const problem = pathProblem(module.path);
  if (problem !== undefined) throw unusableModule(module, `its path ${problem}`, rootUrl);
  if (module.branch !== undefined && module.branch !== '.' && !isRefName(module.branch))
    throw unusableModule(module, 'its branch is not a valid name', rootUrl);
  return module;
}

/** Whether people call it so. */
export function isNamed({ path, name }: Submodule, called: string): boolean {
  return path === plainPath(called) || name === called;
}

/** The URL of a submodule as a root at `rootUrl` resolves it. */
export function submoduleUrl(rootUrl: string, module: Submodule): string {
  try {
    return resolveSubmoduleUrl(rootUrl, module.url);
  } catch (error) {
    throw unusableModule(module, (error as Error).message, rootUrl);
  }
}

/**
 * The pipeline of a submodule moves its own pointer: where its repository most probably is, seen from the root, and the
 * branch. Undefined when the inputs name a submodule, or the run has no repository.
 */
export function probableSource(
  rootUrl: string,
  wanted: readonly WantedPointer[],
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
  { rootBranch }: Pick<ThisRun, 'rootBranch'>,
): string | undefined {
  return module?.branch === '.' ? rootBranch : module?.branch;
}

/** The branch that probably has the commit: the one named, the one this run is for, or the one that is followed. */
export function expectedBranch(
  module: Submodule | undefined,
  commit: string,
  self: Omit<ThisRun, 'url'>,
): string | undefined {
  const followed = followedBranch(module, self);
  if (!isFullId(commit)) return /^refs\//.test(commit) || !isRefName(commit) ? followed : commit;
  const [, branch] = /^refs\/heads\/(.+)$/.exec(self.ref) ?? [];
  return commit === self.sha && branch && isRefName(branch) ? branch : followed;
}

/** A branch, otherwise a tag of the submodule; tips by full ref name. */
export function commitOf(wanted: string, tips: ReadonlyMap<string, string>, url: string): string {
  const commit = tips.get(wanted) ?? tips.get(`refs/heads/${wanted}`) ?? tips.get(`refs/tags/${wanted}`);
  if (commit) return commit;
  throw unknownCommit(wanted, url);
}

/** As shells complete it: `./libs/x/` is libs/x. */
function plainPath(path: string): string {
  return path.replace(/\/{2,}/g, '/').replace(/^(\.\/)+|\/$/g, '');
}

function urlOrNothing(rootUrl: string, { url }: Submodule): string {
  try {
    return resolveSubmoduleUrl(rootUrl, url);
  } catch {
    return '';
  }
}

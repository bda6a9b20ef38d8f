import { GitError } from '../../lib/errors.ts';
import type { Submodule } from '../../lib/git/modules.ts';
import { parseRemote } from '../../lib/git/url.ts';
import { followedBranch, isNamed, submoduleUrl, usable } from './modules.ts';
import { type Judged, judgeOne, type MoveRequest } from './moves.ts';
import { unknownExclude } from './refusals.ts';

/** So many submodules are read at once. */
const AT_ONCE = 8;

/**
 * Carries the newest commit of every other submodule's branch along. One that can't move, or is not meant to, stays as it is,
 * with the reason. Throws a GitError for a name in `exclude` that no submodule has.
 */
export async function sweepOthers(
  request: MoveRequest,
  { modules, exclude }: { modules: readonly Submodule[]; exclude: readonly string[] },
  judged: Judged,
): Promise<void> {
  const unknown = exclude.find((name) => !modules.some((module) => isNamed(module, name)));
  if (unknown !== undefined) throw unknownExclude(unknown, modules, request.rootUrl);
  const others = modules.filter(({ path }) => !judged.asked.includes(path));
  const swept: Submodule[] = [];
  for (const module of others) {
    const why = reasonToLeave(module, { modules, exclude });
    if (why === undefined) swept.push(module);
    else judged.left.push({ path: module.path, why });
  }
  for (let at = 0; at < swept.length; at += AT_ONCE) {
    const some = swept.slice(at, at + AT_ONCE);
    const newest = await Promise.all(
      some.map((module) => unlessUnusable(judged, module, () => newestOf(request, module))),
    );
    for (const [index, module] of some.entries()) {
      const commit = newest[index];
      if (!commit) continue;
      const asked = { module, commit, expected: followedBranch(module, request.self) };
      await unlessUnusable(judged, module, () => judgeOne({ ...request, allowRewind: false }, asked, judged));
    }
  }
}

function reasonToLeave(
  module: Submodule,
  { modules, exclude }: { modules: readonly Submodule[]; exclude: readonly string[] },
): string | undefined {
  if (exclude.some((name) => isNamed(module, name))) return 'excluded.';
  if (module.frozen) return `${module.frozen} in .gitmodules.`;
  const isDouble = modules.some((other) => other !== module && other.path === module.path);
  return isDouble ? 'more than one entry of .gitmodules has this path.' : undefined;
}

async function newestOf(request: MoveRequest, module: Submodule): Promise<string | undefined> {
  const { path, branch } = usable(module, request.rootUrl);
  const entry = await request.trees.entryAt(request.tip, path);
  if (entry?.type !== 'gitlink') return undefined;
  const url = submoduleUrl(request.rootUrl, module);
  const history = request.history(url, followedBranch(module, request.self));
  const tag = branch === undefined && isElsewhere(url, request.rootUrl) ? await history.tagOf(entry.oid) : undefined;
  if (tag === undefined) return history.newest();
  throw new GitError({
    what: `Sweeping ${path}`,
    where: url,
    why: `pinned to the tag ${tag} of another server, and no \`branch\` is set for it in .gitmodules.`,
    remedy: 'name it as `submodule`, or set `branch` for it in .gitmodules.',
  });
}

/** Others' software, pinned to a release: its newest commit is not what anybody asked for. */
function isElsewhere(url: string, rootUrl: string): boolean {
  const hostOf = (one: string) =>
    parseRemote(one)
      ?.host.replace(/^https?:\/\//, '')
      .replace(/:\d+$/, '');
  return hostOf(url) !== hostOf(rootUrl);
}

async function unlessUnusable<Value>(
  { left }: Judged,
  { path }: Submodule,
  ask: () => Promise<Value>,
): Promise<Value | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    left.push({ path, why: error.fields.why });
    return undefined;
  }
}

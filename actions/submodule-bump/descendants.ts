import { Failure } from '../../lib/errors.ts';
import { thinClone } from '../../lib/git/clone.ts';
import { isFullId } from '../../lib/git/refs.ts';
import type { Workspace } from '../../lib/git/workspace.ts';
import type { Root } from './root.ts';

const DEPTH = 100;
const FILTERS = ['tree:0', 'blob:none'];

/** Whether a commit of the root's branch has another one in its history; both near the tip, as after a push a minute ago. */
export type Descends = (commit: string, older: string) => Promise<boolean>;

/**
 * Reads the branch anew for each commit that it has not seen: somebody has pushed it since. A branch that can't be read just now
 * is an answer for the moment only.
 */
export function descendants(work: Workspace, { url, branch }: Root): Descends {
  const known = new Map<string, boolean>();
  return async (commit, older) => {
    if (!isFullId(commit) || !isFullId(older)) return false;
    const key = `${commit} ${older}`;
    const answer = known.get(key) ?? (await unlessUnreadable(() => ask(work, { url, branch }, [commit, older])));
    if (answer !== undefined) known.set(key, answer);
    return answer ?? false;
  };
}

async function ask(
  work: Workspace,
  { url, branch }: { url: string; branch: string },
  [commit, older]: [string, string],
): Promise<boolean> {
  const clone = await thinClone(await work.room(url), url, { branch, depth: DEPTH, filters: FILTERS });
  if (!clone) return false;
  const listed = await clone.git(['rev-list', '--missing=allow-any', clone.tip]);
  const present = new Set(listed.out.split('\n'));
  if (!present.has(commit) || !present.has(older)) return false;
  return (await clone.git(['merge-base', '--is-ancestor', older, commit])).code === 0;
}

async function unlessUnreadable(read: () => Promise<boolean>): Promise<boolean | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return undefined;
  }
}

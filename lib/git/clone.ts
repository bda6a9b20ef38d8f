import { gitFailure } from './failure.ts';
import type { Git, GitResult } from './git.ts';

/** A branch of another repository, fetched into a repository of its own. */
export interface Clone {
  git: Git;
  /** Full name of what was fetched: a branch, or a tag where no branch has that name. */
  ref: string;
  tip: string;
}

export interface Thin {
  /** Undefined for the one that HEAD names there. */
  branch: string | undefined;
  /** Commits of history. */
  depth: number;
  /** What is left out, the most first: servers refuse filters, or kinds of them. At last nothing is left out. */
  filters: readonly string[];
}

const BARE = ['--quiet', '--bare', '--template=', '--no-local', '--no-tags', '--single-branch'];

/**
 * Fetches one branch into the empty folder of `git`: three requests for what is there, its name and its objects. Later
 * fetches from `origin` leave out the same. Undefined when nothing is there: no such branch or tag, an empty repository,
 * or a HEAD that names no branch.
 */
export async function thinClone(git: Git, url: string, { branch, depth, filters }: Thin): Promise<Clone | undefined> {
  const named = branch === undefined ? [] : [`--branch=${branch}`];
  let made: GitResult = { code: 1, out: '', err: '' };
  for (const filter of [...filters, undefined]) {
    const options = [...BARE, `--depth=${depth}`, ...named, ...(filter ? [`--filter=${filter}`] : [])];
    made = await git(['clone', ...options, '--', url, '.']);
    if (made.code === 0 || !/filter/i.test(made.err)) break;
  }
  if (/Remote branch .* not found in upstream/.test(made.err)) return undefined;
  if (made.code !== 0) throw gitFailure({ what: 'Reading the repository', where: url }, made);
  const { out } = await git(['for-each-ref', '--format=%(refname) %(objectname) %(*objectname)']);
  const [ref, tip, peeled] = (out.split('\n')[0] ?? '').split(' ');
  return ref && tip ? { git, ref, tip: peeled || tip } : undefined;
}

import { gitFailure } from './failure.ts';
import type { Git, GitResult } from './git.ts';
import { readMessages } from './messages.ts';

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
  let made: GitResult = { code: 1, out: '', err: '', args: [] };
  for (const filter of [...filters, undefined]) {
    const options = [...BARE, `--depth=${depth}`, ...named, ...(filter ? [`--filter=${filter}`] : [])];
    made = await git(['clone', ...options, '--', url, '.']);
    if (made.code === 0 || !isFilterRefused(made)) break;
  }
  if (made.code !== 0) {
    if (branch !== undefined && (await isAbsent(git, url, branch))) return undefined;
    throw gitFailure({ what: 'Reading the repository', where: url }, made);
  }
  const { out } = await git(['for-each-ref', '--format=%(refname) %(objectname) %(*objectname)']);
  const [ref, tip, peeled] = (out.split('\n')[0] ?? '').split(' ');
  return ref && tip ? { git, ref, tip: peeled || tip } : undefined;
}

/** Whether the server can't leave out what was asked: it may with less, or with none. */
export function isFilterRefused(result: GitResult): boolean {
  return /^(fatal|error): .*\bfilter/im.test(readMessages(result).own);
}

/** Asked of the server, since git's sentence about it quotes the URL and the name. */
async function isAbsent(git: Git, url: string, branch: string): Promise<boolean> {
  const { code, out } = await git(['ls-remote', '--', url, `refs/heads/${branch}`, `refs/tags/${branch}`]);
  return code === 0 && out === '';
}

import type { Git } from '../../lib/git/git.ts';

export type Relation = 'same' | 'newer' | 'older' | 'diverged';

/** How far back is looked, step by step: most bumps are a few commits, and depth costs bytes. */
const DEPTHS = ['--depth=32', '--depth=512', '--unshallow'];

export interface SubmoduleRefs {
  /** Tip by full ref name; peeled for annotated tags. */
  tips: ReadonlyMap<string, string>;
  /** What HEAD names. */
  head: string | undefined;
}

/** Branches and tags of a submodule's repository; undefined when it can't be read. */
export async function readRefs(git: Git, url: string): Promise<SubmoduleRefs | { error: string }> {
  const { code, out, err } = await git(['ls-remote', '--symref', url, 'HEAD', 'refs/heads/*', 'refs/tags/*']);
  if (code !== 0) return { error: err };
  const tips = new Map<string, string>();
  for (const line of out.split('\n')) {
    const match = /^([0-9a-f]{40,64})\t(refs\/\S+?)(\^\{\})?$/.exec(line);
    if (match?.[1] && match[2]) tips.set(match[2], match[1]);
  }
  return { tips, head: /^ref: (refs\/heads\/\S+)\tHEAD$/m.exec(out)?.[1] };
}

/**
 * Whether `commit` is in the history of a branch or tag there. Being served by id proves nothing: a forge serves
 * orphans too. No tree and no file is fetched.
 */
export async function isReachable(
  git: Git,
  url: string,
  { commit, refs }: { commit: string; refs: SubmoduleRefs },
): Promise<boolean> {
  if ([...refs.tips.values()].includes(commit)) return true;
  const namespace = `refs/reach/${hash(url)}`;
  for (const depth of DEPTHS) {
    await fetchHistory(git, url, depth, [`+refs/heads/*:${namespace}/heads/*`, `+refs/tags/*:${namespace}/tags/*`]);
    const { out } = await git(['for-each-ref', '--format=%(refname)', '--contains', commit, namespace]);
    if (out.trim() !== '') return true;
    if (await isComplete(git)) return false;
  }
  return false;
}

/** How `to` relates to `from` in the history of `url`. */
export async function relate(git: Git, url: string, { from, to }: { from: string; to: string }): Promise<Relation> {
  if (from === to) return 'same';
  for (const depth of DEPTHS) {
    await fetchHistory(git, url, depth, [from, to]);
    if (await isAncestor(git, from, to)) return 'newer';
    if (await isAncestor(git, to, from)) return 'older';
    if (await isComplete(git)) break;
  }
  return 'diverged';
}

/** Subjects between two commits, newest first, and how many there are. */
export async function subjectsBetween(git: Git, from: string | undefined, { to, most }: { to: string; most: number }) {
  if (from === undefined) return { subjects: [], count: 0 };
  const log = await git(['log', '--no-show-signature', `--max-count=${most}`, '--format=%s%x00', `${from}..${to}`]);
  const entries = log.out.split('\0').slice(0, -1);
  const subjects = entries.map((subject) => subject.trim()).filter((subject) => subject !== '');
  if (entries.length < most) return { subjects, count: entries.length };
  const { out } = await git(['rev-list', '--count', `${from}..${to}`]);
  return { subjects, count: Number(out.trim()) || subjects.length };
}

async function fetchHistory(git: Git, url: string, depth: string, wanted: readonly string[]): Promise<void> {
  const options = ['--quiet', '--no-tags', depth, '--filter=tree:0'];
  const { code, err } = await git(['fetch', ...options, url, ...wanted]);
  if (code === 0) return;
  if (depth === '--unshallow' && /complete repository/.test(err)) return;
  // A server that forbids the filter gets none.
  await git(['fetch', '--quiet', '--no-tags', depth, url, ...wanted]);
}

async function isAncestor(git: Git, older: string, newer: string): Promise<boolean> {
  return (await git(['merge-base', '--is-ancestor', older, newer])).code === 0;
}

async function isComplete(git: Git): Promise<boolean> {
  return (await git(['rev-parse', '--is-shallow-repository'])).out.trim() === 'false';
}

function hash(text: string): string {
  return Buffer.from(text).toString('hex').slice(-40);
}

import { GitError } from '../errors.ts';
import { expectGit } from './failure.ts';
import type { Git } from './git.ts';
import { modulesProblem, parseModules, type Submodule } from './modules.ts';

export interface TreeEntry {
  /** `gitlink`, `tree` or `blob`. */
  type: string;
  oid: string;
}

/** A gitlink and where it is. */
export interface Gitlink {
  path: string;
  commit: string;
}

/** The trees of a thin clone, of which only those on the way to a path wanted are fetched, and each once. */
export interface Trees {
  /** What is at a path of a commit; undefined for nothing. */
  entryAt(commit: string, path: string): Promise<TreeEntry | undefined>;
  /** The entries of .gitmodules in a commit; none without such a file. */
  modules(commit: string): Promise<Submodule[]>;
  /** A tree in which these paths are gitlinks, everything else as in `commit`; no file is read. */
  withGitlinks(commit: string, links: readonly Gitlink[]): Promise<string>;
}

/** Its name as bytes (latin1). */
interface Line {
  mode: string;
  type: string;
  oid: string;
  name: string;
}

export function openTrees(git: Git): Trees {
  const listed = new Map<string, Promise<Line[]>>();
  const read = new Map<string, Promise<Submodule[]>>();
  const list = (oid: string) => once(listed, oid, () => listTree(git, oid));

  const below = async (lines: readonly Line[], name: string): Promise<Line[] | undefined> => {
    const entry = lines.find((line) => line.name === name);
    if (entry?.type !== 'tree') return undefined;
    if (!listed.has(entry.oid)) await fetchTree(git, entry.oid);
    return list(entry.oid);
  };

  // A path as the trees have it.
  const bytes = (path: string) => Buffer.from(path).toString('latin1');

  const build = async (lines: readonly Line[], { path, commit }: Gitlink): Promise<string> => {
    const [name = '', ...rest] = path.split('/');
    const others = lines.filter((line) => line.name !== name);
    let entry: Line = { mode: '160000', type: 'commit', oid: commit, name };
    if (rest.length > 0) {
      const oid = await build((await below(lines, name)) ?? [], { path: rest.join('/'), commit });
      entry = { mode: '040000', type: 'tree', oid, name };
    }
    const made = await makeTree(git, [...others, entry]);
    listed.set(made, Promise.resolve([...others, entry]));
    return made;
  };

  return {
    entryAt: async (commit, path) => {
      const names = bytes(path).split('/');
      let lines: Line[] | undefined = await list(commit);
      for (const name of names.slice(0, -1)) lines = lines && (await below(lines, name));
      const found = lines?.find((line) => line.name === names.at(-1));
      return found && { type: found.mode === '160000' ? 'gitlink' : found.type, oid: found.oid };
    },
    modules: async (commit) => {
      const file = (await list(commit)).find(({ name, mode }) => name === '.gitmodules' && mode.startsWith('100'));
      return file ? once(read, file.oid, () => readModules(git, file.oid)) : [];
    },
    withGitlinks: async (commit, links) => {
      let tree = commit;
      for (const { path, commit: to } of links) tree = await build(await list(tree), { path: bytes(path), commit: to });
      return tree;
    },
  };
}

function once<Value>(known: Map<string, Promise<Value>>, key: string, ask: () => Promise<Value>): Promise<Value> {
  const value = known.get(key) ?? ask();
  known.set(key, value);
  return value;
}

async function listTree(git: Git, oid: string): Promise<Line[]> {
  const about = { what: 'Reading a tree', where: oid };
  const { out } = await expectGit(git, ['ls-tree', '-z', oid], about, { encoding: 'latin1' });
  return out.split('\0').flatMap((line) => {
    const [, mode, type, id, name] = /^(\d+) (\w+) ([0-9a-f]+)\t([\s\S]+)$/.exec(line) ?? [];
    return mode && type && id && name ? [{ mode, type, oid: id, name }] : [];
  });
}

/** Left to itself git would fetch everything below, too; and nothing, if it told what it has. */
async function fetchTree(git: Git, oid: string): Promise<void> {
  const filter = (await git(['config', 'remote.origin.partialclonefilter'])).out.trim();
  if (!filter.startsWith('tree:')) return;
  await git(['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--filter=tree:0', '--', 'origin', oid], {
    config: [['fetch.negotiationAlgorithm', 'noop']],
  });
}

/**
 * It is one of the files that a thin clone lacks: git fetches it now. Read as bytes that come from nowhere: as a file, or by
 * `--blob` alone, git would follow what it includes, to any file of the runner.
 */
async function readModules(git: Git, blob: string): Promise<Submodule[]> {
  const about = { what: 'Reading .gitmodules', where: 'the root repository' };
  const { out: content } = await expectGit(git, ['cat-file', 'blob', blob], about, { encoding: 'latin1' });
  const problem = modulesProblem(content);
  if (problem !== undefined) throw unusable(about, problem);
  if (content === '') return [];
  const listed = ['config', '--no-includes', '--file', '-', '--list', '-z'];
  const { code, out, err } = await git(listed, { input: content, encoding: 'latin1' });
  if (code !== 0) throw unusable(about, 'is not a configuration that git can read', err);
  try {
    return parseModules(Buffer.from(out, 'latin1').toString('utf8'));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw unusable(about, error.message);
  }
}

function unusable(about: { what: string; where: string }, problem: string, output?: string): GitError {
  const remedy = 'correct .gitmodules in the root repository. Nothing was pushed.';
  return new GitError({ ...about, why: `.gitmodules ${problem}.`, remedy, output });
}

async function makeTree(git: Git, lines: readonly Line[]): Promise<string> {
  const input = lines.map(({ mode, type, oid, name }) => `${mode} ${type} ${oid}\t${name}\0`).join('');
  const about = { what: 'Building a tree', where: 'the root repository' };
  return (await expectGit(git, ['mktree', '-z', '--missing'], about, { input, encoding: 'latin1' })).out.trim();
}

/** The paths that differ between two commits, with their new mode. */
export async function changedPaths(git: Git, from: string, to: string): Promise<{ path: string; mode: string }[]> {
  const { out } = await git(['diff-tree', '-r', '-z', '--raw', '--no-renames', from, to]);
  const fields = out.split('\0');
  const list: { path: string; mode: string }[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    list.push({ mode: fields[at]?.split(' ')[1] ?? '', path: fields[at + 1] ?? '' });
  }
  return list;
}

import { GitError } from '../errors.ts';
import type { Git, GitResult } from './git.ts';
import { parseModules, type Submodule } from './modules.ts';

/** From most to least: servers refuse filters, or kinds of them; the last rung asks for everything. */
const FILTERS = (depth: number) => [`combine:tree:${depth}+blob:limit=64k`, 'blob:limit=64k', undefined];

/** The branch a remote's HEAD names, and the tip of `branch` (or of HEAD): one small exchange. */
export async function readTip(
  git: Git,
  url: string,
  branch: string | undefined,
): Promise<{ branch: string; tip: string | undefined }> {
  const wanted = branch === undefined ? ['HEAD'] : [`refs/heads/${branch}`];
  const { out } = await expectGit(git, ['ls-remote', '--symref', url, ...wanted], {
    what: 'Reading the branch',
    where: url,
  });
  const symref = /^ref: refs\/heads\/(\S+)\tHEAD$/m.exec(out)?.[1];
  const name = branch ?? symref;
  if (name === undefined) {
    throw new GitError({
      what: 'Reading the branch',
      where: url,
      why: 'the repository is empty, or its HEAD names no branch.',
      remedy: 'push a first commit there, or set branch.',
    });
  }
  const tip = new RegExp(`^([0-9a-f]{40,64})\\t(?:HEAD|refs/heads/${name.replace(/[^\w/-]/g, '\\$&')})$`, 'm').exec(
    out,
  )?.[1];
  return { branch: name, tip };
}

export interface Wanted {
  branch: string;
  /** How many levels of trees. */
  depth: number;
  /** Where it is kept. */
  ref: string;
  /** The commit, where it is known: then the server is not asked where the branch is. */
  known?: string | undefined;
}

/** Fetches one commit with the trees down to `depth`, by the smallest way the server allows. */
export async function fetchTip(git: Git, url: string, { branch, depth, ref, known }: Wanted): Promise<string> {
  // A partial fetch needs a remote by name, which remembers the filter; its URL holds no secret.
  const remote = ref.replaceAll('/', '-');
  await git(['config', `remote.${remote}.url`, url]);
  let last: GitResult = { code: 1, out: '', err: '' };
  for (const filter of FILTERS(depth)) {
    await git(['config', `remote.${remote}.promisor`, filter ? 'true' : 'false']);
    const options = ['--quiet', '--no-tags', '--depth=1', ...(filter ? [`--filter=${filter}`] : [])];
    if (known) last = await git(['fetch', ...options, remote, `+${known}:${ref}`]);
    // Not every server gives a commit by its id.
    if (last.code !== 0) last = await git(['fetch', ...options, remote, `+refs/heads/${branch}:${ref}`]);
    if (last.code === 0) {
      return (
        await expectGit(git, ['rev-parse', `${ref}^{commit}`], { what: 'Reading the tip', where: url })
      ).out.trim();
    }
    if (!/filter|allow/i.test(last.err)) break;
  }
  throw gitFailure({ what: `Fetching ${branch}`, where: url }, last);
}

/** The entries of .gitmodules in a commit. */
export async function readModules(git: Git, commit: string): Promise<Submodule[]> {
  const { code, out } = await git(['config', '--blob', `${commit}:.gitmodules`, '--list', '-z']);
  return code === 0 ? parseModules(out) : [];
}

/** What is at a path of a commit: a gitlink with its commit, something else with its type, or nothing. */
export async function entryAt(
  git: Git,
  commit: string,
  path: string,
): Promise<{ type: string; oid: string } | undefined> {
  const { out } = await git(['ls-tree', '-z', commit, '--', path]);
  const match = /^(\d+) (\w+) ([0-9a-f]+)\t/.exec(out);
  if (!match) return undefined;
  return { type: match[1] === '160000' ? 'gitlink' : (match[2] ?? ''), oid: match[3] ?? '' };
}

/** A tree in which `path` is a gitlink to `commit`, everything else as in `tree`; no blob is read. */
export async function withGitlink(
  git: Git,
  tree: string | undefined,
  { path, commit }: { path: string; commit: string },
): Promise<string> {
  const [first = '', ...rest] = path.split('/');
  const told = { what: 'Reading a tree', where: path };
  const out = tree === undefined ? '' : (await expectGit(git, ['ls-tree', '-z', tree], told)).out;
  const entries = out.split('\0').filter((entry) => entry !== '');
  const present = entries.find((entry) => entry.slice(entry.indexOf('\t') + 1) === first);
  const others = entries.filter((entry) => entry !== present);
  let entry = `160000 commit ${commit}\t${first}`;
  if (rest.length > 0) {
    const below = present && /^040000 tree ([0-9a-f]+)\t/.exec(present)?.[1];
    entry = `040000 tree ${await withGitlink(git, below, { path: rest.join('/'), commit })}\t${first}`;
  }
  const made = await expectGit(
    git,
    ['mktree', '-z', '--missing'],
    { what: 'Building a tree', where: path },
    [...others, entry].map((line) => `${line}\0`).join(''),
  );
  return made.out.trim();
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

/** Runs git and throws a GitError with what it said when it fails. */
export async function expectGit(git: Git, args: readonly string[], told: { what: string; where: string }, input = '') {
  const result = await git(args, { input });
  if (result.code !== 0) throw gitFailure(told, result);
  return result;
}

const REASONS: [pattern: RegExp, why: string, remedy: string][] = [
  [
    /authentication failed|could not read username|error: 401|invalid credentials/i,
    'the credentials are refused.',
    'give a token (or key) that may read and write that repository.',
  ],
  [
    /error: 403|forbidden|access denied|not allowed|permission denied/i,
    'access is denied.',
    'give a token (or key) that may write there; the automatic token of a run may not push to another repository.',
  ],
  [
    /error: 404|not found|does not exist|not appear to be a git repository/i,
    'there is no such repository, or these credentials may not see it.',
    'correct the address, or give a token that may read it.',
  ],
  [/archived/i, 'the repository is archived.', 'unarchive it, or leave it out.'],
  [/protected/i, 'the branch is protected.', 'allow this account to push there, or name another branch.'],
  [/hook declined|pre-receive/i, 'a hook of the server declined it.', 'read what it says below.'],
  [/could not resolve host/i, 'the host is unknown.', 'correct the address.'],
  [/git can't be started/i, 'there is no git on this runner.', 'install git where the job runs.'],
  [/did not end within/i, 'git did not end within its limit.', 'check the network to that server, then run it again.'],
  [
    /host key verification failed/i,
    'the host key is unknown or has changed.',
    "give its line as known-hosts, after comparing it with what the server's owner says.",
  ],
];

/** A failure of git with its reason in words, as far as it is known. */
export function gitFailure(
  { what, where }: { what: string; where: string },
  { out, err }: { out: string; err: string },
): GitError {
  const known = REASONS.find(([pattern]) => pattern.test(`${err}\n${out}`));
  return new GitError({
    what,
    where,
    why: known?.[1] ?? 'git could not do it.',
    remedy: known?.[2] ?? 'read what git says below.',
    output: err || out,
  });
}

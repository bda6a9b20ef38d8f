import { Failure, GitError } from '../../lib/errors.ts';
import type { Submodule } from '../../lib/git/modules.ts';
import type { Trees } from '../../lib/git/trees.ts';
import type { History } from './ancestry.ts';
import type { FurtherRemote, Wanted } from './inputs.ts';
import { type Move, SUBJECTS_AT_MOST } from './message.ts';
import {
  diverged,
  expectedBranch,
  findModule,
  followedBranch,
  namedTwice,
  type Self,
  submoduleUrl,
  unreachable,
} from './plan.ts';

/** One pointer that stays, and why. */
export interface Stay {
  path: string;
  to: string;
  from: string;
  reason: 'up-to-date' | 'superseded';
}

export interface Judged {
  /** Paths of those asked for; the others are swept along. */
  asked: readonly string[];
  moves: Move[];
  stays: Stay[];
  /** Those that a sweep could not carry along, and why. */
  left: { path: string; why: string }[];
  /** Optional remotes that must not get the commit, by URL: there a submodule lacks a pointer's commit. */
  lacking: Map<string, Failure>;
}

export interface Question {
  /** Of the root repository, with `tip` fetched. */
  trees: Trees;
  tip: string;
  rootUrl: string;
  /** Every root that will be pushed: the commit must be reachable as each of them resolves the submodule. */
  roots: readonly { url: string; kind: FurtherRemote['kind'] }[];
  /** The history at a submodule's URL, beginning with the branch expected; the same one whenever it is asked for again. */
  history: (url: string, expected: string | undefined) => History;
  wanted: readonly Wanted[];
  sweep: boolean;
  allowRewind: boolean;
  /** For what is not named. */
  self: Self;
}

interface Asked {
  module: Submodule;
  /** A full id, a branch or a tag. */
  commit: string;
  expected: string | undefined;
}

/** So many submodules are read at once. */
const AT_ONCE = 8;

/** Judges every wanted pointer against the tip: which move, which stay. Throws a GitError where nothing may be pushed. */
export async function judgeMoves(question: Question): Promise<Judged> {
  const { trees, tip, wanted, self, sweep } = question;
  const modules = await trees.modules(tip);
  const asked = wanted.map((one): Asked => {
    const module = findModule(modules, one, question);
    const commit = one.commit ?? self.sha;
    return { module, commit, expected: expectedBranch(module, commit, self) };
  });
  const paths = asked.map(({ module }) => module.path);
  const twice = paths.find((path, index) => paths.indexOf(path) !== index);
  if (twice !== undefined) throw namedTwice(twice, question.rootUrl);
  const judged: Judged = { asked: paths, moves: [], stays: [], left: [], lacking: new Map() };
  for (const one of asked) await judgeOne(question, one, judged);
  const others = modules.filter((module) => !asked.some((one) => one.module === module));
  if (sweep) await sweepOthers(question, others, judged);
  return judged;
}

/** What is told when nothing moves. */
export function resultOfStaying({ asked, stays }: Judged): Stay['reason'] {
  const isLate = stays.some(({ path, reason }) => asked.includes(path) && reason === 'superseded');
  return isLate ? 'superseded' : 'up-to-date';
}

async function judgeOne(question: Question, one: Asked, judged: Judged): Promise<void> {
  const { module, commit, expected } = one;
  const { path, name } = module;
  const from = await presentGitlink(question, module);
  const url = submoduleUrl(question.rootUrl, module);
  const history = question.history(url, expected);
  const to = await history.commit(commit);
  const needed = question.roots.filter((root) => root.kind !== 'optional');
  const places = [...new Set(needed.map((root) => submoduleUrl(root.url, module)))];
  await Promise.all(places.map((place) => requireReachable(question, { ...one, to, place })));
  const { kind, ahead: count } = from === undefined ? { kind: 'newer', ahead: 0 } : await history.relate(from, to);
  if (from !== undefined && kind === 'diverged' && !question.allowRewind) throw diverged(from, to, { url, module });
  await noteLacking(question, { ...one, to }, judged);
  if (from !== undefined && (kind === 'same' || (kind === 'older' && !question.allowRewind))) {
    judged.stays.push({ path, from, to, reason: kind === 'same' ? 'up-to-date' : 'superseded' });
    return;
  }
  const subjects = from === undefined ? [] : await history.subjects(from, to, SUBJECTS_AT_MOST);
  judged.moves.push({ path, name, from, to, subjects, count });
}

/** Looks at the optional remotes one after the other: several may have the same repository of the submodule. */
async function noteLacking(question: Question, one: Asked & { to: string }, judged: Judged): Promise<void> {
  for (const { url } of question.roots.filter(({ kind }) => kind === 'optional')) {
    try {
      await requireReachable(question, { ...one, place: submoduleUrl(url, one.module) });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      judged.lacking.set(url, error);
    }
  }
}

async function requireReachable(
  { history }: Question,
  { module, expected, to, place }: Asked & { to: string; place: string },
): Promise<void> {
  if (!(await history(place, expected).isReachable(to))) throw unreachable(to, place, module);
}

/** The newest commit of every other submodule's branch comes along; one that can't stays as it is, with the reason. */
async function sweepOthers(question: Question, modules: readonly Submodule[], judged: Judged): Promise<void> {
  for (let at = 0; at < modules.length; at += AT_ONCE) {
    const some = modules.slice(at, at + AT_ONCE);
    const newest = await Promise.all(
      some.map((module) => unlessUnusable(judged, module, () => newestOf(question, module))),
    );
    for (const [index, module] of some.entries()) {
      const commit = newest[index];
      if (!commit) continue;
      const asked = { module, commit, expected: followedBranch(module, question.self) };
      await unlessUnusable(judged, module, () => judgeOne({ ...question, allowRewind: false }, asked, judged));
    }
  }
}

async function newestOf(question: Question, module: Submodule): Promise<string | undefined> {
  const entry = await question.trees.entryAt(question.tip, module.path);
  if (entry?.type !== 'gitlink') return undefined;
  return question.history(submoduleUrl(question.rootUrl, module), followedBranch(module, question.self)).newest();
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

async function presentGitlink(question: Question, { path }: Submodule): Promise<string | undefined> {
  const entry = await question.trees.entryAt(question.tip, path);
  if (entry?.type === 'gitlink') return entry.oid;
  const why = entry
    ? `at that path is a ${entry.type === 'tree' ? 'folder' : 'file'}, no gitlink.`
    : await obstacle(question, path);
  if (why === undefined) return undefined;
  throw new GitError({
    what: `Reading the pointer of ${path}`,
    where: question.rootUrl,
    why,
    remedy: 'add the submodule there first (git submodule add), or correct submodule.',
  });
}

/** Why there can be no first gitlink at a path where nothing is; undefined where there can. */
async function obstacle({ trees, tip }: Question, path: string): Promise<string | undefined> {
  const names = path.split('/');
  // mktree would write them, into a commit that nobody can check out.
  if (names.some((name) => /^(\.{0,2}|\.git)$/i.test(name))) return 'git checks out no such path.';
  for (let depth = 1; depth < names.length; depth += 1) {
    const parent = names.slice(0, depth).join('/');
    const entry = await trees.entryAt(tip, parent);
    if (entry && entry.type !== 'tree')
      return `${parent} is a ${entry.type === 'gitlink' ? 'submodule' : 'file'}, no folder.`;
  }
  return undefined;
}

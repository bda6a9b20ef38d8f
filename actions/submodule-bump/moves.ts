import { GitError } from '../../lib/errors.ts';
import type { Git } from '../../lib/git/git.ts';
import type { Submodule } from '../../lib/git/modules.ts';
import { entryAt, gitFailure, readModules } from '../../lib/git/repository.ts';
import { isReachable, readRefs, relate, type SubmoduleRefs, subjectsBetween } from './ancestry.ts';
import type { Wanted } from './inputs.ts';
import { type Move, SUBJECTS_AT_MOST } from './message.ts';
import { commitOf, diverged, findModule, submoduleUrl, unreachable } from './plan.ts';

/** One pointer that stays, and why. */
export interface Stay {
  path: string;
  to: string;
  from: string;
  reason: 'up-to-date' | 'superseded';
}

export interface Judged {
  moves: Move[];
  stays: Stay[];
}

export interface Question {
  /** The root repository, with `tip` fetched. */
  git: Git;
  tip: string;
  rootUrl: string;
  /** Every root URL that will be pushed: the commit must be reachable as each of them resolves the submodule. */
  rootUrls: readonly string[];
  /** A repository of its own per submodule URL. */
  open: (url: string) => Promise<Git>;
  wanted: readonly Wanted[];
  sweep: boolean;
  allowRewind: boolean;
  /** This run's repository and commit, for what is not named. */
  self: { url: string; sha: string };
}

/** Judges every wanted pointer against the tip: which move, which stay. Throws a GitError where nothing may be pushed. */
export async function judgeMoves(question: Question): Promise<Judged> {
  const modules = await readModules(question.git, question.tip);
  const judged: Judged = { moves: [], stays: [] };
  const named = question.wanted.map((wanted) => ({ module: findModule(modules, wanted, question), wanted }));
  for (const { module, wanted } of named) await judgeOne(question, module, { commit: wanted.commit, judged });
  if (question.sweep)
    await sweepOthers(
      question,
      modules.filter((module) => !named.some((one) => one.module === module)),
      judged,
    );
  return judged;
}

async function judgeOne(
  question: Question,
  module: Submodule,
  { commit, judged }: { commit: string | undefined; judged: Judged },
): Promise<void> {
  const from = await presentGitlink(question, module);
  const url = submoduleUrl(question.rootUrl, module);
  const refs = await refsOf(question, url);
  const to = commitOf(commit ?? question.self.sha, refs, url);
  for (const rootUrl of question.rootUrls) {
    const there = submoduleUrl(rootUrl, module);
    const thereRefs = there === url ? refs : await refsOf(question, there);
    if (!(await isReachable(await question.open(there), there, { commit: to, refs: thereRefs })))
      throw unreachable(to, there, module);
  }
  const git = await question.open(url);
  const relation = from === undefined ? 'newer' : await relate(git, url, { from, to });
  if (relation === 'same' || relation === 'older') {
    judged.stays.push({
      path: module.path,
      from: from as string,
      to,
      reason: relation === 'same' ? 'up-to-date' : 'superseded',
    });
    return;
  }
  if (relation === 'diverged' && !question.allowRewind) throw diverged(from as string, to, { url, module });
  const { subjects, count } = await subjectsBetween(git, from, { to, most: SUBJECTS_AT_MOST });
  judged.moves.push({ path: module.path, name: module.name, from, to, subjects, count });
}

/** The newest commit of every other submodule's branch comes along; one that can't be read stays as it is. */
async function sweepOthers(question: Question, modules: readonly Submodule[], judged: Judged): Promise<void> {
  for (const module of modules) {
    try {
      const refs = await refsOf(question, submoduleUrl(question.rootUrl, module));
      const followed = module.branch === undefined || module.branch === '.' ? refs.head : `refs/heads/${module.branch}`;
      const commit = refs.tips.get(followed ?? '');
      const entry = await entryAt(question.git, question.tip, module.path);
      if (commit && entry?.type === 'gitlink')
        await judgeOne({ ...question, allowRewind: false }, module, { commit, judged });
    } catch (error) {
      if (!(error instanceof GitError) && !(error instanceof RangeError)) throw error;
    }
  }
}

async function presentGitlink({ git, tip, rootUrl }: Question, { path }: Submodule): Promise<string | undefined> {
  const entry = await entryAt(git, tip, path);
  if (entry === undefined) return undefined;
  if (entry.type === 'gitlink') return entry.oid;
  throw new GitError({
    what: `Reading the pointer of ${path}`,
    where: rootUrl,
    why: `at that path is a ${entry.type === 'tree' ? 'folder' : 'file'}, no gitlink.`,
    remedy: 'add the submodule there first (git submodule add), or correct submodule.',
  });
}

async function refsOf({ open }: Question, url: string): Promise<SubmoduleRefs> {
  const refs = await readRefs(await open(url), url);
  if ('error' in refs) throw gitFailure({ what: 'Reading the submodule', where: url }, { out: '', err: refs.error });
  return refs;
}

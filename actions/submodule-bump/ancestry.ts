import { isFilterRefused, thinClone } from '../../lib/git/clone.ts';
import { expectGit, gitFailure } from '../../lib/git/failure.ts';
import type { Git, GitResult } from '../../lib/git/git.ts';
import { readMessages } from '../../lib/git/messages.ts';
import { isFullId } from '../../lib/git/refs.ts';
import type { Workspace } from '../../lib/git/workspace.ts';
import { commitOf } from './modules.ts';
import type { Relation } from './plan.ts';

/** What is asked about the history of one submodule's repository. What was fetched is not fetched again. */
export interface History {
  /** The commit that a full id (of an annotated tag, too), a branch or a tag names. Throws a GitError for a name that is not there. */
  commit(name: string): Promise<string>;
  /** The newest commit of the branch expected; undefined where there is no such branch. */
  newest(): Promise<string | undefined>;
  /** Whether a branch or tag has it. Being served by id proves nothing: a forge serves orphans too. */
  isReachable(commit: string): Promise<boolean>;
  relate(from: string, to: string): Promise<Relation>;
  /** The name of a tag that is at this commit; undefined where there is none. */
  tagOf(commit: string): Promise<string | undefined>;
  /** Subjects after the one up to the other, newest first. */
  subjects(from: string, to: string, most: number): Promise<string[]>;
}

interface HistorySource {
  url: string;
  /** The branch that probably has the commit; undefined for the one that HEAD names. */
  expected: string | undefined;
  /** Asked for only when there is nothing to clone. */
  format: () => Promise<'sha1' | 'sha256'>;
}

/** How far back is read, step by step, at last to the beginning: most bumps are a few commits, and depth costs bytes. */
const DEPTHS = [32, 512, undefined];
const FIRST_DEPTH = 32;
/** No tree and no file is needed to tell what descends from what. */
const NO_TREES = ['tree:0', 'blob:none'];
const EVERY_REF: readonly string[] = ['+refs/heads/*:refs/all/heads/*', '+refs/tags/*:refs/all/tags/*'];

/** One history per URL and branch expected, however often it is asked for. */
export function histories(work: Workspace, format: HistorySource['format']) {
  const open = new Map<string, History>();
  return (url: string, expected: string | undefined): History => {
    const key = JSON.stringify([url, expected]);
    const history = open.get(key) ?? openHistory(work, { url, expected, format });
    open.set(key, history);
    return history;
  };
}

/** Begins with the branch expected, which is all that most bumps need; asks for all branches and tags when it is not. */
function openHistory(work: Workspace, { url, expected, format }: HistorySource): History {
  const cloned = once(async () =>
    thinClone(await work.room(url), url, { branch: expected, depth: FIRST_DEPTH, filters: NO_TREES }),
  );
  const repository = once(async () => (await cloned())?.git ?? work.open(await format()));
  const tips = once(async () => readTips(await repository(), url));
  const inClone = remembered(async (commit) => {
    const clone = await cloned();
    return clone !== undefined && (commit === clone.tip || (await has(clone.git, clone.tip, commit)));
  });
  const isOnAnyRef = async (commit: string) => {
    if ([...(await tips()).values()].includes(commit)) return true;
    const git = await repository();
    for (const depth of DEPTHS) {
      await deepen(git, url, { depth, wanted: EVERY_REF });
      if (await has(git, '--glob=refs/all/*', commit)) return true;
      if (await isComplete(git)) return false;
    }
    return false;
  };
  // A pointer to a tag itself would be dirty in every work tree for ever.
  const peeled = async (id: string) => {
    const clone = await cloned();
    if (id === clone?.tip) return id;
    if (!clone || !(await inClone(id))) return (await tips()).get(id) ?? id;
    return (await clone.git(['rev-parse', `${id}^{commit}`])).out.trim();
  };
  return {
    commit: async (name) => {
      if (isFullId(name)) return peeled(name);
      const clone = name === expected ? await cloned() : undefined;
      return clone?.tip ?? commitOf(name, await tips(), url);
    },
    newest: async () => (await cloned())?.tip,
    isReachable: async (commit) => {
      return (await inClone(commit)) || isOnAnyRef(commit);
    },
    relate: async (from, to) => {
      if (from === to) return { kind: 'same', ahead: 0 };
      const git = await repository();
      let counted = await countSides(git, from, to);
      for (const depth of DEPTHS) {
        if (counted && (counted.behind === 0 || counted.ahead === 0 || (await isComplete(git)))) break;
        await deepen(git, url, { depth, wanted: [from, to] });
        counted = await countSides(git, from, to);
      }
      if (counted?.behind === 0) return { kind: 'newer', ahead: counted.ahead };
      if (counted?.ahead === 0) return { kind: 'older', ahead: 0 };
      // What is not there at all has nothing in common with it, and what is between can't be counted.
      const ahead = counted?.ahead ?? 0;
      if (await isOnAnyRef(from)) return { kind: 'diverged', ahead };
      return { kind: counted && (await hasSameFiles(git, from, to)) ? 'merged' : 'orphaned', ahead };
    },
    tagOf: async (commit) => {
      const found = [...(await tips())].find(([ref, id]) => ref.startsWith('refs/tags/') && id === commit);
      return found?.[0].slice('refs/tags/'.length);
    },
    subjects: async (from, to, most) => {
      const git = await repository();
      const { out } = await git([...HERE, `--max-count=${most}`, '--format=%s%x00', `${from}..${to}`]);
      // A line with the id is before each.
      const entries = out.split('\0').slice(0, -1);
      return entries.map((entry) => entry.replace(/^\n?commit .*\n/, '').trim()).filter((subject) => subject !== '');
    },
  };
}

/** Tip by full ref name, and by the id of an annotated tag: those are peeled. */
async function readTips(git: Git, url: string): Promise<ReadonlyMap<string, string>> {
  const asked = ['ls-remote', '--', url, 'refs/heads/*', 'refs/tags/*'];
  const { out } = await expectGit(git, asked, { what: 'Reading the submodule', where: url }, { remote: url });
  const tips = new Map<string, string>();
  for (const [, id = '', ref = ''] of out.matchAll(/^([0-9a-f]{40,64})\t(refs\/\S+?)(?:\^\{\})?$/gm)) {
    // The line of what a tag points to comes after that of the tag.
    const tag = tips.get(ref);
    if (tag !== undefined) tips.set(tag, id);
    tips.set(ref, id);
  }
  return tips;
}

/** Without --missing git would fetch a commit that is not here, and all that came before it. */
const HERE = ['rev-list', '--missing=allow-any'];

/** Whether the history of `tips`, as far as it is here, has the commit. */
async function has(git: Git, tips: string, commit: string): Promise<boolean> {
  const { code, out } = await git([...HERE, '--max-count=1', commit, '--not', tips]);
  return code === 0 && out === '';
}

/** Commits that only the one has, and only the other; undefined while one of them is not here. */
async function countSides(git: Git, from: string, to: string): Promise<{ behind: number; ahead: number } | undefined> {
  const { code, out } = await git([...HERE, '--left-right', '--count', `${from}...${to}`]);
  const [behind, ahead] = out.split(/\s+/).map(Number);
  return code === 0 && behind !== undefined && ahead !== undefined ? { behind, ahead } : undefined;
}

/** Whether a commit that `to` has and `from` does not has the very same files, as a squash merge leaves it. */
async function hasSameFiles(git: Git, from: string, to: string): Promise<boolean> {
  const treesOf = async (...which: string[]) => {
    const { out } = await git([...HERE, '--format=%T', ...which]);
    return out.split('\n').filter((line) => isFullId(line));
  };
  // A history that was written anew has nothing to compare with.
  if ((await git(['merge-base', from, to])).code !== 0) return false;
  const [tree] = await treesOf('--no-walk', from);
  return tree !== undefined && (await treesOf(`${from}..${to}`)).includes(tree);
}

async function deepen(
  git: Git,
  url: string,
  { depth, wanted }: { depth: number | undefined; wanted: readonly string[] },
): Promise<void> {
  // A whole history is fetched anew rather than deepened: git refuses to complete what is complete.
  const reach = depth ? [`--depth=${depth}`] : (await isComplete(git)) ? [] : ['--unshallow'];
  let failed: GitResult | undefined;
  for (const filter of [...NO_TREES, undefined]) {
    const options = [...reach, ...(filter ? [`--filter=${filter}`] : [])];
    failed = await git(['fetch', '--quiet', '--no-tags', ...options, '--', url, ...wanted], { remote: url });
    if (failed.code === 0) return;
    if (!isFilterRefused(failed)) break;
  }
  if (!failed) return;
  const { own } = readMessages(failed);
  // An ssh server that does not take GIT_PROTOCOL speaks version 0, in which only what a ref names can be asked for.
  if (/^error: Server does not allow request for unadvertised object/m.test(own) && wanted !== EVERY_REF)
    return deepen(git, url, { depth, wanted: EVERY_REF });
  // What the root points to may never have been pushed there: then nothing descends from it.
  const isAbsent = /^fatal: (remote error: upload-pack: not our ref|(could not|couldn't) find remote ref)/m.test(own);
  if (!isAbsent) throw gitFailure({ what: 'Reading the history', where: url }, failed);
}

async function isComplete(git: Git): Promise<boolean> {
  return (await git(['rev-parse', '--is-shallow-repository'])).out.trim() === 'false';
}

function once<Value>(ask: () => Promise<Value>): () => Promise<Value> {
  let value: Promise<Value> | undefined;
  return () => {
    value ??= ask();
    return value;
  };
}

function remembered<Value>(ask: (key: string) => Promise<Value>): (key: string) => Promise<Value> {
  const known = new Map<string, Promise<Value>>();
  return (key) => {
    const value = known.get(key) ?? ask(key);
    known.set(key, value);
    return value;
  };
}

import { Failure } from '../../lib/errors.ts';
import { pathProblem, type Submodule } from '../../lib/git/modules.ts';
import type { Trees } from '../../lib/git/trees.ts';
import type { History } from './ancestry.ts';
import type { FurtherRemote, WantedPointer } from './inputs.ts';
import { type Move, SUBJECTS_AT_MOST } from './message.ts';
import { type RequestedMove, requestedMove, submoduleUrl, type ThisRun } from './modules.ts';
import { decideMove } from './plan.ts';
import { diverged, namedTwice, notAGitlink, orphaned, unreachable } from './refusals.ts';

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
  /** Those that a sweep does not carry along, and why. */
  left: { path: string; why: string }[];
  /** Optional remotes that must not get the commit, by URL: there a submodule lacks a pointer's commit. */
  lacking: Map<string, Failure>;
}

export interface MoveRequest {
  /** Of the root repository, with `tip` fetched. */
  trees: Trees;
  tip: string;
  rootUrl: string;
  /** Every root that will be pushed: the commit must be reachable as each of them resolves the submodule. */
  roots: readonly { url: string; kind: FurtherRemote['kind'] }[];
  /** The history at a submodule's URL, beginning with the branch expected; the same one whenever it is asked for again. */
  history: (url: string, expected: string | undefined) => History;
  wanted: readonly WantedPointer[];
  allowRewind: boolean;
  /** For what is not named. */
  self: ThisRun;
}

/** Judges every pointer asked for against the tip: which move, which stay. Throws a GitError where nothing may be pushed. */
export async function judgeMoves(request: MoveRequest, modules: readonly Submodule[]): Promise<Judged> {
  const asked = request.wanted.map((wanted) => requestedMove(modules, wanted, request));
  const paths = asked.map(({ module }) => module.path);
  const twice = paths.find((path, index) => paths.indexOf(path) !== index);
  if (twice !== undefined) throw namedTwice(twice, request.rootUrl);
  const judged: Judged = { asked: paths, moves: [], stays: [], left: [], lacking: new Map() };
  for (const one of asked) await judgeOne(request, one, judged);
  return judged;
}

/** The result when nothing moves. */
export function resultOfStaying({ asked, stays }: Judged): Stay['reason'] {
  const isLate = stays.some(({ path, reason }) => asked.includes(path) && reason === 'superseded');
  return isLate ? 'superseded' : 'up-to-date';
}

/** Judges one pointer, and adds it to the moves or to those that stay. Throws a GitError where it can do neither. */
export async function judgeOne(request: MoveRequest, one: RequestedMove, judged: Judged): Promise<void> {
  const { module, commit, expected } = one;
  const { path, name } = module;
  const { allowRewind } = request;
  const from = await presentGitlink(request, module);
  const url = submoduleUrl(request.rootUrl, module);
  const history = request.history(url, expected);
  const to = await history.commit(commit);
  const needed = request.roots.filter((root) => root.kind !== 'optional');
  const places = [...new Set(needed.map((root) => submoduleUrl(root.url, module)))];
  await Promise.all(places.map((place) => requireReachable(request, { ...one, to, place })));
  const relation = from === undefined ? undefined : await history.relate(from, to);
  const decision = decideMove(from, to, relation, allowRewind);
  const refused = { from: from ?? '', to, url, module };
  if (decision === 'diverged') throw diverged(refused);
  if (decision === 'orphaned') throw orphaned(refused);
  await noteLacking(request, { ...one, to }, judged);
  if (decision !== 'move') {
    judged.stays.push({ path, from: from ?? '', to, reason: decision });
    return;
  }
  const subjects = from === undefined ? [] : await history.subjects(from, to, SUBJECTS_AT_MOST);
  const isMerged = relation?.kind === 'merged';
  judged.moves.push({ path, name, from, to, subjects, count: relation?.ahead ?? 0, isMerged });
}

/** Checks the optional remotes one after the other: several may have the same repository of the submodule. */
async function noteLacking(request: MoveRequest, one: RequestedMove & { to: string }, judged: Judged): Promise<void> {
  for (const { url } of request.roots.filter(({ kind }) => kind === 'optional')) {
    try {
      await requireReachable(request, { ...one, place: submoduleUrl(url, one.module) });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      judged.lacking.set(url, error);
    }
  }
}

async function requireReachable(
  { history }: MoveRequest,
  { module, expected, to, place }: RequestedMove & { to: string; place: string },
): Promise<void> {
  if (!(await history(place, expected).isReachable(to))) throw unreachable(to, place, module);
}

async function presentGitlink(request: MoveRequest, { path }: Submodule): Promise<string | undefined> {
  const entry = await request.trees.entryAt(request.tip, path);
  if (entry?.type === 'gitlink') return entry.oid;
  const why = entry
    ? `at that path is a ${entry.type === 'tree' ? 'folder' : 'file'}, not a gitlink.`
    : await obstacle(request, path);
  if (why === undefined) return undefined;
  throw notAGitlink(path, why, request.rootUrl);
}

/** Why there can be no first gitlink at a path where nothing is; undefined where there can. */
async function obstacle({ trees, tip }: MoveRequest, path: string): Promise<string | undefined> {
  const problem = pathProblem(path);
  if (problem !== undefined) return `its path ${problem}.`;
  const names = path.split('/');
  for (let depth = 1; depth < names.length; depth += 1) {
    const parent = names.slice(0, depth).join('/');
    const entry = await trees.entryAt(tip, parent);
    if (entry && entry.type !== 'tree')
      return `${parent} is a ${entry.type === 'gitlink' ? 'submodule' : 'file'}, not a folder.`;
  }
  return undefined;
}

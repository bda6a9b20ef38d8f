import { setTimeout as sleep } from 'node:timers/promises';
import type { ActionContext } from '../../lib/action/action.ts';
import { type Failure, GitError } from '../../lib/errors.ts';
import { gitFailure } from '../../lib/git/failure.ts';
import type { Git } from '../../lib/git/git.ts';
import { fetchTip, readTip } from '../../lib/git/tip.ts';
import type { Trees } from '../../lib/git/trees.ts';
import type { Agent } from '../../lib/ssh/agent.ts';
import type { History } from './ancestry.ts';
import type { BumpInputs } from './inputs.ts';
import { commitMessage } from './message.ts';
import { type Judged, judgeMoves, resultOfStaying } from './moves.ts';
import { buildCommit, pushCommit, type Signature } from './push.ts';
import type { Root } from './remotes.ts';
import { planLines } from './report.ts';

/** What became of the primary remote. */
export interface Bumped {
  judged: Judged;
  result: 'pushed' | 'up-to-date' | 'superseded';
  /** The root's commit with the pointer; its tip when nothing moved. */
  rootCommit: string;
  /** The tip it was built on. */
  before: string;
  attempts: number;
}

/** What a bump works with. */
export interface Bench {
  /** The thin clone of the primary root. */
  git: Git;
  trees: Trees;
  /** The primary first. */
  roots: readonly Root[];
  history: (url: string, expected: string | undefined) => History;
  inputs: BumpInputs;
  context: ActionContext;
  signer: Agent | undefined;
}

/** The branch that is pushed, and the one it grows from while it is not there yet. */
export interface Course {
  branch: string;
  base: string;
}

const FIRST_PAUSE_SECONDS = 0.2;
const LONGEST_PAUSE_SECONDS = 5;

/**
 * Builds and pushes on the tip of the course's branch, again and again on a newer one, until it lands or the deadline is
 * over. Undefined for a dry run.
 */
export async function race(bench: Bench, course: Course): Promise<Bumped | undefined> {
  const { git, roots, inputs, context, signer } = bench;
  const { log, run } = context;
  const [primary] = roots as [Root, ...Root[]];
  const deadline = Date.now() + inputs.deadlineSeconds * 1000;
  const isProposed = course.branch !== course.base;
  let { tip, lease } = isProposed ? await tipOf(git, primary, course) : { tip: primary.tip, lease: primary.tip };
  for (let attempts = 1; ; attempts += 1) {
    const judged = await judge(bench, tip);
    for (const line of planLines(judged)) log.line(line);
    if (judged.moves.length === 0) {
      return { judged, result: resultOfStaying(judged), rootCommit: tip, before: tip, attempts };
    }
    const before = tip;
    const message = commitMessage(inputs.message, judged.moves, run.url);
    const commit = await buildCommit(bench, tip, {
      moves: judged.moves,
      message,
      author: authorOf(inputs, context),
      signer,
    });
    if (inputs.dryRun) {
      log.line(`dry-run is set: commit ${commit} was built, nothing was pushed.`);
      return undefined;
    }
    for (;;) {
      const { verdict, result } = await pushCommit(git, primary.url, { branch: course.branch, lease, commit });
      if (verdict === 'pushed') return { judged, result: 'pushed', rootCommit: commit, before, attempts };
      if (verdict === 'refused') throw gitFailure({ what: `Pushing ${course.branch}`, where: primary.url }, result);
      if (Date.now() >= deadline || context.signal.aborted) throw tooLate(primary, inputs.deadlineSeconds, result);
      const pause = pauseSeconds(attempts);
      log.line(
        `Attempt ${attempts}: ${verdict === 'lost race' ? 'somebody else was faster' : 'the connection broke'}; again in ${pause.toFixed(1)} s.`,
      );
      await sleep(pause * 1000, undefined, { signal: context.signal }).catch(() => undefined);
      // The identical commit again, for the branch is still where it was.
      if (verdict === 'lost race') break;
      attempts += 1;
    }
    ({ tip, lease } = await tipOf(git, primary, course));
    // git repeats a request by itself when the answer is lost: then it was our own commit that was faster.
    if (tip === commit) return { judged, result: 'pushed', rootCommit: commit, before, attempts };
  }
}

/** Random, so that those who lost together do not meet again, and the longer the more attempts there were. */
export function pauseSeconds(attempts: number): number {
  return Math.min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 1.5 ** attempts) * (0.3 + Math.random());
}

/** Judges every pointer wanted against a tip of the root that has been fetched. */
export function judge({ trees, roots, history, inputs, context }: Bench, tip: string): Promise<Judged> {
  const { run } = context;
  const [primary] = roots as [Root, ...Root[]];
  return judgeMoves({
    trees,
    tip,
    rootUrl: primary.url,
    roots: roots.filter(({ pushed }) => pushed),
    history,
    wanted: inputs.wanted,
    sweep: inputs.sweep,
    allowRewind: inputs.allowRewind,
    self: {
      url: run.serverUrl && run.repository ? `${run.serverUrl}/${run.repository}` : '',
      sha: run.sha,
      ref: run.ref,
      rootBranch: primary.branch,
    },
  });
}

/** The tip to build on, and what the branch must still be at when it is pushed: empty for one that is not there yet. */
async function tipOf(git: Git, { url }: Root, { branch, base }: Course): Promise<{ tip: string; lease: string }> {
  if (branch !== base && !(await readTip(git, url, branch))) return { tip: await fetchTip(git, url, base), lease: '' };
  const tip = await fetchTip(git, url, branch);
  return { tip, lease: tip };
}

function authorOf({ author }: BumpInputs, { run }: ActionContext): Signature {
  const match = /^(.+) <(.+)>$/.exec(author ?? '');
  if (match?.[1] && match[2]) return { name: match[1], email: match[2] };
  const host = URL.canParse(run.serverUrl) ? new URL(run.serverUrl).hostname : 'localhost';
  const name = run.actor || 'submodule-bump';
  return { name, email: `${name}@noreply.${host}` };
}

function tooLate({ url, branch }: Root, seconds: number, { out, err }: { out: string; err: string }): Failure {
  return new GitError({
    what: `Pushing ${branch}`,
    where: url,
    why: `it did not land within ${seconds} s.`,
    remedy: 'run it again; under much contention raise deadline-seconds, or set sweep: true.',
    output: err || out,
  });
}

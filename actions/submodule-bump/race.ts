import type { ActionContext } from '../../lib/action/action.ts';
import { type Failure, GitError } from '../../lib/errors.ts';
import { gitFailure } from '../../lib/git/failure.ts';
import type { Git, GitResult } from '../../lib/git/git.ts';
import { fetchTip, readTip } from '../../lib/git/tip.ts';
import type { BranchPair, BumpContext, BumpResult } from './bump-context.ts';
import type { BumpInputs } from './inputs.ts';
import { commitMessage } from './message.ts';
import { type Judged, judgeMoves, resultOfStaying } from './moves.ts';
import { pause, pauseSeconds } from './pause.ts';
import { buildCommit, pushCommit, type Signature, watchPushes } from './push.ts';
import { planLines } from './report.ts';
import type { Root } from './root.ts';
import { sweepOthers } from './sweep.ts';

/**
 * Builds and pushes on the tip of a branch, again and again on a newer one, until it lands or the deadline is over. Undefined
 * for a dry run.
 */
export async function race(bump: BumpContext, pair: BranchPair): Promise<BumpResult | undefined> {
  const { git, roots, inputs, context, signer } = bump;
  const { log, run } = context;
  const [primary] = roots;
  const deadline = Date.now() + inputs.deadlineSeconds * 1000;
  const isFinal = watchPushes();
  const isProposed = pair.branch !== pair.base;
  let { tip, lease } = isProposed ? await tipOf(git, primary, pair) : { tip: primary.tip, lease: primary.tip };
  for (let attempts = 1; ; attempts += 1) {
    const judged = await judge(bump, tip);
    for (const line of planLines(judged)) log.line(line);
    if (judged.moves.length === 0) {
      return { judged, result: resultOfStaying(judged), rootCommit: tip, before: tip, attempts };
    }
    const before = tip;
    const message = commitMessage(inputs.message, judged.moves, run.url);
    const commit = await buildCommit(bump, tip, {
      moves: judged.moves,
      message,
      author: authorOf(inputs, context),
      signer,
    });
    if (inputs.dryRun) {
      log.line(`\`dry-run\` is set: commit ${commit} was built, nothing was pushed.`);
      return undefined;
    }
    for (let lost: GitResult | undefined; lost === undefined; ) {
      const { verdict, result } = await pushCommit(git, primary.url, { branch: pair.branch, lease, commit });
      if (verdict === 'pushed') return { judged, result: 'pushed', rootCommit: commit, before, attempts };
      const about = { what: `Pushing ${pair.branch}`, where: primary.url };
      if (verdict === 'refused') throw gitFailure(about, result);
      if (Date.now() >= deadline || context.signal.aborted) throw tooLate(primary, inputs.deadlineSeconds, result);
      const seconds = pauseSeconds(attempts);
      const why = verdict === 'lost race' ? 'lost the race to another push' : 'the connection broke';
      log.line(`Attempt ${attempts}: ${why}; retrying in ${seconds.toFixed(1)} s.`);
      await pause(seconds * 1000, context.signal);
      const leased = lease;
      if (verdict === 'lost race') {
        ({ tip, lease } = await tipOf(git, primary, pair));
        lost = result;
      }
      if (isFinal(verdict, lease !== leased)) throw gitFailure(about, result);
      // Otherwise the identical commit again, because the branch is still where it was.
      if (verdict !== 'lost race') attempts += 1;
    }
    // git repeats a request on its own when the answer is lost: then it was our own commit that was faster.
    if (tip === commit) return { judged, result: 'pushed', rootCommit: commit, before, attempts };
  }
}

/** Judges every pointer wanted against a tip of the root that has been fetched. */
export async function judge({ trees, roots, history, inputs, context }: BumpContext, tip: string): Promise<Judged> {
  const { run } = context;
  const [primary] = roots;
  const request = {
    trees,
    tip,
    rootUrl: primary.url,
    roots: roots.filter(({ pushed }) => pushed),
    history,
    wanted: inputs.wanted,
    allowRewind: inputs.allowRewind,
    self: {
      url: run.serverUrl && run.repository ? `${run.serverUrl}/${run.repository}` : '',
      sha: run.sha,
      ref: run.ref,
      rootBranch: primary.branch,
    },
  };
  const modules = await trees.modules(tip);
  const judged = await judgeMoves(request, modules);
  if (inputs.sweep) await sweepOthers(request, { modules, exclude: inputs.exclude }, judged);
  return judged;
}

/** The tip to build on, and what the branch must still be at when it is pushed: empty for one that is not there yet. */
async function tipOf(git: Git, { url }: Root, { branch, base }: BranchPair): Promise<{ tip: string; lease: string }> {
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

function tooLate({ url, branch }: Root, seconds: number, { out, err }: GitResult): Failure {
  return new GitError({
    what: `Pushing ${branch}`,
    where: url,
    why: `it was not pushed within ${seconds} s.`,
    remedy: 're-run the job; if many runs compete, raise `deadline-seconds` or set `sweep: true`.',
    output: err || out,
  });
}

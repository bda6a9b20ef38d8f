import { setTimeout as sleep } from 'node:timers/promises';
import type { ActionContext } from '../../lib/action/action.ts';
import { type Failure, GitError } from '../../lib/errors.ts';
import type { Credentials, Git } from '../../lib/git/git.ts';
import { fetchTip, gitFailure, readModules } from '../../lib/git/repository.ts';
import { originOf } from '../../lib/git/url.ts';
import { type Workspace, workspace } from '../../lib/git/workspace.ts';
import { automaticTokenProblem, rootUrlOf } from './access.ts';
import type { BumpInputs } from './inputs.ts';
import { commitMessage } from './message.ts';
import { type Judged, judgeMoves } from './moves.ts';
import { buildCommit, pushCommit, type Signature } from './push.ts';
import { pushFurther, type Root, readRoots } from './remotes.ts';
import { planLines, report } from './report.ts';

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

const FIRST_PAUSE_SECONDS = 0.2;
const LONGEST_PAUSE_SECONDS = 5;

/** The story: look at every remote, move the pointer on the primary race-free, bring the others along, tell. */
export async function bump(inputs: BumpInputs, context: ActionContext): Promise<void> {
  const { log, run } = context;
  log.mask(inputs.token);
  await context.outputs({ changed: false, result: '', attempts: 0 });
  const url = rootUrlOf(inputs.repository, run);
  const problem = automaticTokenProblem(url, inputs, run);
  if (problem) throw problem;
  await using work = await workspace(
    context.env('RUNNER_TEMP'),
    context.env('PATH') ?? '',
    credentialsOf(url, inputs, context),
  );
  const roots = await readRoots(work, url, inputs);
  const [primary] = roots as [Root, ...Root[]];
  log.line(`Root ${url}, branch ${primary.branch}, at ${primary.tip}`);
  const bumped = await bumpPrimary(work, roots, { inputs, context });
  if (!bumped) return;
  const told = await pushFurther(work, roots, { bumped, inputs });
  await report({ bumped, remotes: told, url, branch: primary.branch }, context);
}

/** Builds and pushes on the primary's tip, again and again on a newer one, until it lands or the deadline is over. */
async function bumpPrimary(
  work: Workspace,
  roots: readonly Root[],
  { inputs, context }: { inputs: BumpInputs; context: ActionContext },
): Promise<Bumped | undefined> {
  const { log, run } = context;
  const [primary] = roots as [Root, ...Root[]];
  const deadline = Date.now() + inputs.deadlineSeconds * 1000;
  const git = await work.open('root', primary.format);
  let tip = await fetchWhole(git, primary, 1);
  for (let attempts = 1; ; attempts += 1) {
    const judged = await judgeMoves({
      git,
      tip,
      rootUrl: primary.url,
      rootUrls: roots.filter(({ pushed }) => pushed).map((root) => root.url),
      open: (url) => work.open(`sub-${Buffer.from(url).toString('hex').slice(-60)}`, primary.format),
      wanted: inputs.wanted,
      sweep: inputs.sweep,
      allowRewind: inputs.allowRewind,
      self: { url: run.serverUrl && run.repository ? `${run.serverUrl}/${run.repository}` : '', sha: run.sha },
    });
    for (const line of planLines(judged)) log.line(line);
    if (judged.moves.length === 0) {
      const result = judged.stays.some(({ reason }) => reason === 'superseded') ? 'superseded' : 'up-to-date';
      return { judged, result, rootCommit: tip, before: tip, attempts };
    }
    const before = tip;
    const message = commitMessage(inputs.message, judged.moves, run.url);
    const commit = await buildCommit(git, tip, { moves: judged.moves, message, author: authorOf(inputs, context) });
    if (inputs.dryRun) {
      log.line(`dry-run is set: commit ${commit} was built, nothing was pushed.`);
      return undefined;
    }
    for (;;) {
      const { verdict, result } = await pushCommit(git, primary.url, { branch: primary.branch, lease: tip, commit });
      if (verdict === 'pushed') return { judged, result: 'pushed', rootCommit: commit, before, attempts };
      if (verdict === 'refused') throw gitFailure({ what: `Pushing ${primary.branch}`, where: primary.url }, result);
      if (Date.now() >= deadline || context.signal.aborted) throw tooLate(primary, inputs.deadlineSeconds, result);
      const pause = Math.min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 1.5 ** attempts) * (0.3 + Math.random());
      log.line(
        `Attempt ${attempts}: ${verdict === 'lost race' ? 'somebody else was faster' : 'the connection broke'}; again in ${pause.toFixed(1)} s.`,
      );
      await sleep(pause * 1000, undefined, { signal: context.signal }).catch(() => undefined);
      // The identical commit again, for the branch is still where it was.
      if (verdict === 'lost race') break;
      attempts += 1;
    }
    tip = await fetchWhole(git, primary, 1);
    // git repeats a request by itself when the answer is lost: then it was our own commit that was faster.
    if (tip === commit) return { judged, result: 'pushed', rootCommit: commit, before, attempts };
  }
}

/** The tip with every tree on the way to a submodule; deeper ones are fetched when .gitmodules names them. */
async function fetchWhole(git: Git, { url, branch }: Root, depth: number): Promise<string> {
  const tip = await fetchTip(git, url, { branch, depth, ref: 'refs/tips/primary' });
  const deepest = Math.max(1, ...(await readModules(git, tip)).map(({ path }) => path.split('/').length));
  return deepest > depth ? fetchTip(git, url, { branch, depth: deepest, ref: `refs/tips/deep${deepest}` }) : tip;
}

function credentialsOf(url: string, { token }: BumpInputs, context: ActionContext): Credentials {
  const automatic = context.env('FORGEJO_TOKEN') ?? context.env('GITEA_TOKEN') ?? context.env('GITHUB_TOKEN');
  const tokens: Record<string, string> = {};
  const rootOrigin = originOf(url);
  if (automatic && context.run.serverUrl) tokens[new URL(context.run.serverUrl).origin] = automatic;
  // A token is for the host of the primary remote; a further one elsewhere gets none of it.
  if (token && rootOrigin) tokens[rootOrigin] = token;
  return { tokens, sshCommand: context.env('GIT_SSH_COMMAND'), sshAgent: context.env('SSH_AUTH_SOCK') };
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

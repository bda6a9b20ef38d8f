import { ForgejoError } from '../../lib/errors.ts';
import type { Forge } from '../../lib/forge/client.ts';
import { openPull, openPulls, type PullRequest, type PullText, updatePull } from '../../lib/forge/pulls.ts';
import type { BumpContext, BumpResult } from './bump-context.ts';
import { commitMessage, type Move } from './message.ts';
import { resultOfStaying } from './moves.ts';
import { judge, race } from './race.ts';

const BRANCH_CHARACTERS_AT_MOST = 100;

/**
 * Pushes a branch instead, and opens a pull request for it; one that is open already is brought up to date in place: its
 * branch only ever grows.
 */
export async function proposeBump(forge: Forge, bump: BumpContext): Promise<BumpResult | undefined> {
  const { roots, inputs, context } = bump;
  const [{ branch: base, tip }] = roots;
  // Against the branch it is meant for, whatever an open request has.
  const judged = await judge(bump, tip);
  const [first] = judged.moves;
  if (!first) return { judged, result: resultOfStaying(judged), rootCommit: tip, before: tip, attempts: 1 };
  const prefix = branchPrefix(base, judged.moves);
  const [open] = await openPulls(forge, base, prefix);
  const branch = open?.branch ?? `${prefix}${first.to.slice(0, 12)}`;
  const bumped = await race(bump, { branch, base });
  if (!bumped) return undefined;
  const text = pullText(commitMessage(inputs.message, judged.moves, context.run.url), context.run.url);
  const pull = open ?? (await opened(forge, { base, branch, prefix }, text));
  if (open && bumped.result === 'pushed') await updatePull(forge, open, text);
  context.log.line(`Pull request ${pull.number} (${branch} into ${base}): ${pull.url}`);
  await context.outputs({ 'pull-request-url': pull.url });
  return { ...bumped, judged };
}

async function opened(
  forge: Forge,
  { base, branch, prefix }: { base: string; branch: string; prefix: string },
  text: PullText,
): Promise<PullRequest> {
  const pull =
    (await openPull(forge, { head: branch, base }, text)) ??
    // Somebody opened it since.
    (await openPulls(forge, base, prefix)).find((one) => one.branch === branch);
  if (pull) return pull;
  throw new ForgejoError({
    what: `Opening a pull request for ${branch}`,
    where: forge.repository,
    why: 'the forge says it already exists, but lists none.',
    state: `the branch ${branch} is pushed.`,
    remedy: 'open it in the browser, or delete that branch and re-run the job.',
  });
}

/** One request per branch and set of submodules. A part of a branch's name may not begin with a dot. */
function branchPrefix(base: string, moves: readonly Move[]): string {
  const paths = moves.map(({ path }) => path.replace(/[^\w-]+/g, '-').replace(/^-/, '')).join('+');
  return `submodule-bump/${base}/${paths.slice(0, BRANCH_CHARACTERS_AT_MOST)}/`;
}

function pullText(message: string, runUrl: string): PullText {
  const [title = '', ...rest] = message.split('\n');
  return { title, body: [...rest, ...(runUrl ? ['', `By ${runUrl}`] : [])].join('\n').trim() };
}

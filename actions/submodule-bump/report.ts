import type { ActionContext } from '../../lib/action/action.ts';
import { GitError } from '../../lib/errors.ts';
import { escapeForeign } from '../../lib/foreign.ts';
import type { BumpResult } from './bump-context.ts';
import type { Judged } from './moves.ts';
import type { RemoteResult } from './root.ts';

interface Finished {
  bumped: BumpResult;
  remotes: readonly RemoteResult[];
  url: string;
  branch: string;
}

const GOOD = new Set(['pushed', 'up-to-date', 'healed', 'superseded', 'skipped']);

/** What moves from where to where, with the subjects; what stays, and why; what a sweep leaves as it is, and why. */
export function planLines({ moves, stays, left }: Judged): string[] {
  return [
    ...moves.flatMap(({ path, from, to, subjects, count, isMerged }) => [
      `${escapeForeign(path)}: ${from?.slice(0, 12) ?? 'nothing'} -> ${to.slice(0, 12)}${count > 0 ? `, ${count} commit${count === 1 ? '' : 's'}` : ''}`,
      ...(isMerged
        ? [
            `  ${from?.slice(0, 12)} is no longer on any branch; the branch has a commit with identical files (a squash merge)`,
          ]
        : []),
      ...subjects.slice(0, 5).map((subject) => `  - ${escapeForeign(subject.slice(0, 100))}`),
    ]),
    ...stays.map(({ path, from, to, reason }) =>
      reason === 'up-to-date'
        ? `${escapeForeign(path)}: already at ${to.slice(0, 12)}`
        : `${escapeForeign(path)}: kept at ${from.slice(0, 12)}, newer than ${to.slice(0, 12)} (superseded)`,
    ),
    ...left.map(({ path, why }) => `${escapeForeign(path)}: skipped: ${escapeForeign(why)}`),
  ];
}

/** Outputs, log and summary; throws when a required remote did not get the commit. */
export async function report({ bumped, remotes, url, branch }: Finished, context: ActionContext): Promise<void> {
  const { judged, result, rootCommit, attempts } = bumped;
  const first = [...judged.moves, ...judged.stays].find(({ path }) => path === judged.asked[0]);
  await context.outputs({
    changed: result === 'pushed',
    result,
    'old-commit': first?.from ?? '',
    'new-commit': first?.to ?? '',
    'root-commit': rootCommit,
    attempts,
    remotes: remotes.map(({ name, state, old, new: now, why }) => ({
      name,
      state,
      old,
      new: now,
      ...(why ? { why: escapeForeign(why) } : {}),
    })),
  });
  for (const { name, state, new: now, why } of remotes) {
    context.log.line(
      `  ${name.padEnd(12)} ${state.padEnd(12)} ${now.slice(0, 12)}${why ? `  ${escapeForeign(why)}` : ''}`,
    );
  }
  await context.summary({
    title: 'Submodule bump',
    list: planLines(judged).map((line) => line.replace(/^ +- /, '… ')),
    head: ['remote', 'result', 'commit'],
    rows: remotes.map(({ name, state, new: now }) => [name, state, now.slice(0, 12)]),
  });
  const failed = remotes.filter(({ kind, state }) => kind !== 'optional' && !GOOD.has(state));
  if (failed.length === 0) return;
  // One that is ahead has it in its history.
  const have = remotes
    .filter(({ state, new: now }) => now === rootCommit || state === 'superseded')
    .map(({ name }) => name);
  throw new GitError({
    what: `Pushing ${branch} to every remote`,
    where: url,
    why: failed.map(({ name, state, why }) => `${name}: ${state}${why ? ` (${why})` : ''}.`).join('\n'),
    state: `${have.join(', ') || 'no remote'} ${have.length === 1 ? 'has' : 'have'} the commit ${rootCommit}.`,
    remedy: 'fix that remote and re-run; the others will catch up.',
  });
}

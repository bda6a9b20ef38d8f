import { setTimeout as sleep } from 'node:timers/promises';
import type { ActionContext } from '../../lib/action/action.ts';
import { STATES } from '../../lib/errors.ts';
import type { Source } from '../../lib/source.ts';
import { AnswerError } from '../../lib/ssh/answer.ts';
import type { Host } from '../../lib/ssh/connect.ts';
import type { TargetTransfers } from '../../lib/transfer/transfers.ts';
import { recover, revert } from './activate.ts';
import type { Page } from './book.ts';
import type { Deploy } from './deployment.ts';
import type { DeployInputs } from './inputs.ts';
import type { Found } from './inspect/found.ts';
import { inspect } from './inspect/inspect.ts';
import { limitSecondsOf } from './limits.ts';
import { bareOutcome, DiedError, type Outcome, OutdatedError, unusableOutcome } from './outcome.ts';
import type { Plan } from './plan/plan.ts';

/** A recovery that is killed on the target too is tried so often: whatever kills it may do so each time. */
export const RECOVERIES = 3;

/** What the deploy of one target needs of the step. */
export interface Step {
  inputs: DeployInputs;
  context: ActionContext;
  book: Page;
  transfers: TargetTransfers;
}

export interface Parts extends Step {
  source: Source | undefined;
  reconnect: () => Promise<Host>;
}

export function deployOf(
  { inputs, source, transfers, context, reconnect, book }: Parts,
  found: Found,
  plan: Plan,
): Deploy {
  const { run, log, signal } = context;
  return { inputs, found, plan, source, transfers, run, log, signal, onBegin: book.begin, reconnect };
}

export async function finishInterrupted(host: Host, deploy: Deploy): Promise<Outcome> {
  const { log, found } = deploy;
  const { run, phase } = found.unfinished ?? { run: 'an unknown run', phase: 'unknown' };
  log.line(`An earlier deploy (${run}) was interrupted during \`${phase}\`; recovering it first.`);
  const outcome = await recover(host, deploy);
  const pid = outcome.pid ? `, pid ${outcome.pid}` : '';
  log.line(`  finished: ${outcome.state}${pid}${outcome.broken ? `: ${outcome.broken}` : ''}`);
  return outcome;
}

/** The recovery was killed, or another run was faster: what it made of it shows in the next inspection. */
export function deathUnlessOutdated(error: unknown): DiedError | OutdatedError {
  if (error instanceof DiedError || error instanceof OutdatedError) return error;
  throw error;
}

/** The outcome when every attempt to recover was killed too. */
export function givenUp(why: string): Outcome {
  const broken = 'the journal is kept, and the next run continues the recovery; until then the program may be down';
  return bareOutcome({
    state: 'broken',
    failed: 'recovery',
    why: `${why}, and each of ${RECOVERIES} attempts to recover it was killed on the target too`,
    broken,
  });
}

export async function takeBack(host: Host, { deploy, id, parts }: { deploy: Deploy; id: string; parts: Parts }) {
  try {
    return await revert(host, deploy, id);
  } catch (error) {
    if (error instanceof DiedError) return await undoDead(deploy, parts);
    throw error;
  }
}

/** The transaction died in the middle, killed or with its whole host: as soon as that answers again, it is undone. */
export async function undoDead(deploy: Deploy, parts: Parts): Promise<Outcome> {
  const deadline = Date.now() + limitSecondsOf(deploy) * 1000;
  const why = 'the transaction was killed on the target';
  for (let deaths = 0; ; ) {
    try {
      await using host = await deploy.reconnect();
      const found = await inspect(host, deploy.inputs, deploy.source);
      const id = parts.book.begun()?.id;
      const isOurs = found.unfinished && (found.unfinished.id === id || found.unfinished.id === '');
      if (!isOurs) return { ...endOfDead(found, deploy, id), failed: 'transaction', why };
      if (!found.locked) {
        const outcome = await finishInterrupted(host, deployOf(parts, found, deploy.plan)).catch(deathUnlessOutdated);
        if (!(outcome instanceof Error)) return { ...outcome, failed: 'transaction', why };
        deaths += outcome instanceof DiedError ? 1 : 0;
        if (deaths >= RECOVERIES) return givenUp(why);
      }
      // Another run holds the lock, and finishes what it finds.
      await sleep(500, undefined, { signal: deploy.signal });
    } catch (error) {
      if (error instanceof AnswerError) return unusableOutcome(error);
      const over = Date.now() >= deadline || deploy.signal.aborted;
      if (over)
        return bareOutcome({
          state: 'unknown',
          failed: 'transaction',
          why: `${why}, and the target no longer responds`,
        });
      await sleep(1000, undefined, { signal: deploy.signal }).catch(() => undefined);
    }
  }
}

/** What became of a killed transaction of which nothing is unfinished: another run has finished it, or it never began. */
function endOfDead(found: Found, deploy: Deploy, id: string | undefined): Outcome {
  const end = found.ended.findLast((one) => one.id === id);
  const state = STATES.find((one) => one === end?.state);
  if (end && state) return bareOutcome({ state, pid: Number(end.pid) || undefined });
  const began = found.unfinished === undefined && !isAsBefore(deploy.found, found);
  return bareOutcome({ state: began ? 'unknown' : 'staged' });
}

/** Whether the same processes still run the same file: it was killed before it began. */
function isAsBefore(before: Found, now: Found): boolean {
  const pids = ({ processes }: Found) => processes.map(({ pid }) => pid).join();
  return before.file?.sha256 === now.file?.sha256 && pids(before) === pids(now) && pids(now) !== '';
}

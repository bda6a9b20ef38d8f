import type { ActionContext } from '../../lib/action/action.ts';
import { prefixed } from '../../lib/action/log.ts';
import { ConnectionError, Failure, TargetError } from '../../lib/errors.ts';
import { linesOf } from '../../lib/foreign.ts';
import { headerSecrets } from '../../lib/health-headers.ts';
import { inParallel } from '../../lib/parallel.ts';
import { readSource } from '../../lib/source.ts';
import { openTransfers, type Transfers } from '../../lib/transfer/transfers.ts';
import { openBook, type Page } from './book.ts';
import { type Deployed, deployTarget } from './deploy-target.ts';
import type { DeployInputs } from './inputs.ts';
import { asUntouched, report } from './report.ts';
import { type Ended, isRed, reportFailure, reportSeveral } from './report-several.ts';

/** The story of the step: read the source, deploy to every target, go back everywhere if that was asked for, tell. */
export async function deploy(inputs: DeployInputs, context: ActionContext): Promise<void> {
  const startedAt = Date.now();
  for (const line of inputs.environment) context.log.maskValue(line.slice(line.indexOf('=') + 1));
  for (const secret of headerSecrets(inputs.health.headers)) context.log.maskValue(secret);
  const pages = openBook(inputs.connections.length, context);
  await using transfers = openTransfers({ wanted: inputs.transfer, several: inputs.connections.length > 1 }, context);
  const targets = await deployAll(inputs, context, { pages, transfers });
  try {
    if (inputs.revertAll) await revertDone(targets, pages);
  } finally {
    await Promise.all(targets.map((target) => target.done?.host[Symbol.asyncDispose]()));
  }
  const [only] = targets;
  if (targets.length > 1) await reportSeveral(targets, context, Date.now() - startedAt);
  else if (only?.failure) await reportFailure(only, context, Date.now() - startedAt);
  else if (only?.done) await report(only.done, context);
}

/** One target as the step goes on. */
interface OneTarget extends Ended {
  context: ActionContext;
  done?: Deployed;
}

/** Deploys to `max-parallel` targets at a time; after a failed one no further one is begun. */
async function deployAll(
  inputs: DeployInputs,
  context: ActionContext,
  { pages, transfers }: { pages: readonly Page[]; transfers: Transfers },
): Promise<OneTarget[]> {
  const source = inputs.source === undefined ? undefined : readSource(inputs.source, inputs.expectStrings);
  source?.catch(() => undefined);
  const several = inputs.connections.length > 1;
  const targets = inputs.connections.map(
    ({ host }): OneTarget => ({
      target: host,
      context: several ? { ...context, log: prefixed(context.log, host) } : context,
    }),
  );
  let unexpected: unknown;
  const stopped = () => unexpected !== undefined || context.signal.aborted || targets.some(isRed);
  await inParallel(targets, { limit: inputs.maxParallel, stopped }, async (target, index) => {
    const connection = inputs.connections[index] as (typeof inputs.connections)[number];
    const book = pages[index] as Page;
    try {
      const { host, user, port, container } = connection;
      const name = [user, host, port, container, inputs.destination].join(' ');
      const foreseen = inputs.dryRun || inputs.strategy === 'in-place' ? undefined : source;
      const to = transfers.to(name, foreseen);
      target.done = await deployTarget(connection, { inputs, context: target.context, book, transfers: to, source });
      target.target = target.done.target;
      if (!inputs.revertAll || !target.done.undo) await target.done.host[Symbol.asyncDispose]();
      if (several) target.context.log.line(`finished: ${target.done.outcome.state}`);
    } catch (error) {
      if (!(error instanceof ConnectionError || error instanceof TargetError)) unexpected ??= error;
      else target.failure = asUntouched(error);
      if (several && error instanceof Failure) {
        for (const line of linesOf((target.failure ?? error).message)) target.context.log.line(line);
      }
    }
  });
  // The source, an input: no target is to blame.
  if (unexpected !== undefined) throw unexpected;
  const skipped = context.signal.aborted ? 'the step was cancelled' : 'another target failed';
  for (const target of targets) if (!target.done && !target.failure) target.skipped = skipped;
  return targets;
}

/** One failed: the others get back what they had before, all at once, for every second they differ. */
async function revertDone(targets: readonly OneTarget[], pages: readonly Page[]): Promise<void> {
  const failed = targets.find(isRed);
  if (!failed) return;
  await Promise.all(
    targets.map(async (target, index) => {
      const { done, context } = target;
      if (!done?.undo) return;
      context.log.line(`${failed.target} failed and revert-all is set: restoring the previous version.`);
      const outcome = await done.undo();
      if (outcome.state === 'untouched') {
        context.log.line(`Not reverted: ${outcome.why}.`);
        await pages[index]?.end(done.outcome.state);
        return;
      }
      const why = `${failed.target} failed and revert-all is set${outcome.why ? `; ${outcome.why}` : ''}`;
      const { downtimeMs, bytesSent } = done.outcome;
      done.outcome = { ...outcome, failed: 'revert-all', why, downtimeMs, bytesSent };
      await pages[index]?.end(outcome.state);
      context.log.line(`finished: ${outcome.state}`);
    }),
  );
}

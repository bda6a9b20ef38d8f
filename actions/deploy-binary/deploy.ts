import type { ActionContext } from '../../lib/action/action.ts';
import { quotedNames } from '../../lib/action/fields.ts';
import { heldBack, prefixed } from '../../lib/action/log.ts';
import { openReportFile } from '../../lib/action/report-file.ts';
import { linesOf } from '../../lib/foreign.ts';
import { openStatuses, type Statuses } from '../../lib/forge/status.ts';
import { headerSecrets } from '../../lib/health-headers.ts';
import type { Progress } from '../../lib/rollout/decide.ts';
import { hostsOfStep } from '../../lib/rollout/hosts.ts';
import { policyOf } from '../../lib/rollout/inputs.ts';
import { rollOut } from '../../lib/rollout/roll-out.ts';
import { readSource, type Source } from '../../lib/source.ts';
import { openTransfers, type Transfers } from '../../lib/transfer/transfers.ts';
import { openBook, type Page } from './book.ts';
import { deployTarget } from './deploy-target.ts';
import type { DeployInputs } from './inputs.ts';
import { markSkipped, noteFailure } from './not-done.ts';
import { NOTHING_DONE, report } from './report.ts';
import { type Ended, entriesOf, isRed, reportFailure, reportSeveral } from './report-several.ts';
import { type Reverting, revertDone } from './revert.ts';
import { statusOf } from './target-status.ts';

/** Above so many targets a green one is one line of the log, and connections are not kept open for `revert-all`. */
const MANY = 20;

/** The story of the step: read the source, deploy to every target, revert them all if that is wanted, report. */
export async function deploy(inputs: DeployInputs, context: ActionContext): Promise<void> {
  const startedAt = Date.now();
  for (const line of inputs.environment) context.log.maskValue(line.slice(line.indexOf('=') + 1));
  for (const name of quotedNames(inputs.environment))
    context.log.warning(
      `\`environment\`: the quotes around the value of ${name} are part of it; leave them out if they are not meant.`,
    );
  for (const secret of headerSecrets(inputs.health.headers)) context.log.maskValue(secret);
  const writeReport = await openReportFile(inputs.reportFile, context.log);
  const hosts = await hostsOfStep(inputs.hosts, inputs.rollout);
  if (hosts.length === 0) {
    context.log.line(`Shard ${inputs.rollout.shard} has no target: nothing to do.`);
    return context.outputs({ ...NOTHING_DONE, state: 'unchanged' });
  }
  const pages = openBook(hosts, context);
  await using statuses = openStatuses(hosts, inputs.status, context);
  await using transfers = openTransfers({ wanted: inputs.transfer, several: hosts.length > 1 }, context);
  const targets = await deployAll({ inputs, context, hosts, pages, transfers, statuses });
  try {
    if (inputs.revertAll) await revertDone(targets, MANY);
  } finally {
    await Promise.all(targets.map((target) => target.host?.[Symbol.asyncDispose]()));
    for (const [index, target] of targets.entries()) statuses.set(index, statusOf(target));
  }
  const [only] = targets;
  const durationMs = Date.now() - startedAt;
  await writeReport(entriesOf(targets));
  if (targets.length > 1) await reportSeveral(targets, context, durationMs);
  else if (only?.failure) await reportFailure(only, context, durationMs);
  else if (only?.done) await report(only.done, context);
}

/** One target while the step runs. */
type OneTarget = Ended & Reverting;

interface All {
  inputs: DeployInputs;
  context: ActionContext;
  hosts: readonly string[];
  pages: readonly Page[];
  transfers: Transfers;
  statuses: Statuses;
}

/** Deploys to the targets as the inputs about several targets say; marks those that were not started. */
async function deployAll(all: All): Promise<OneTarget[]> {
  const { inputs, context, hosts, pages } = all;
  const source =
    inputs.source === undefined ? undefined : readSource(inputs.source, inputs.expectStrings, inputs.sha256);
  source?.catch(() => undefined);
  const targets = hosts.map((host, index): OneTarget => {
    const own = { log: hosts.length > 1 ? prefixed(context.log, host) : context.log };
    return { target: host, page: pages[index] as Page, context: { ...context, ...own } };
  });
  const stoppedBecause = await rollOut(
    hosts.length,
    {
      policy: policyOf(inputs.rollout, hosts.length),
      pauseSeconds: inputs.rollout['pause-seconds'],
      signal: context.signal,
      onPause: (progress) => context.log.line(`${countLine(progress)}; waiting ${inputs.rollout['pause-seconds']} s.`),
    },
    async (index) => {
      const target = targets[index] as OneTarget;
      const progress = await deployOne(target, hosts[index] as string, { ...all, source });
      all.statuses.set(index, statusOf(target));
      if (hosts.length > MANY) context.log.line(`${countEnded(targets)} of ${hosts.length} targets finished`);
      return progress;
    },
  );
  markSkipped(targets, stoppedBecause);
  return targets;
}

/** Deploys to one target. Throws where no target is to blame: the source, an input. */
async function deployOne(
  target: OneTarget,
  host: string,
  { inputs, hosts, transfers, source }: All & { source: Promise<Source> | undefined },
): Promise<Exclude<Progress, 'waiting' | 'running'>> {
  const held = hosts.length > MANY ? heldBack(target.context.log) : undefined;
  const context = held ? { ...target.context, log: held.log } : target.context;
  const { user, port, container } = inputs.connection;
  const name = [user, host, port, container, inputs.destination].join(' ');
  const foreseen = inputs.dryRun || inputs.strategy === 'in-place' ? undefined : source;
  let progress: 'unreachable' | 'failed' | undefined;
  try {
    const connection = { ...inputs.connection, host };
    const to = transfers.to(name, foreseen);
    const done = await deployTarget(connection, { inputs, context, book: target.page, transfers: to, source });
    Object.assign(target, { done, target: done.target });
    if (inputs.revertAll && done.undo && hosts.length <= MANY) target.host = done.host;
    else await done.host[Symbol.asyncDispose]();
  } catch (error) {
    progress = noteFailure(target, error, inputs.rollout);
  }
  if (isRed(target)) held?.tell();
  tellEnd(target, { isOnly: hosts.length === 1 });
  return progress ?? (isRed(target) ? 'failed' : 'proved');
}

function tellEnd({ done, failure, isSkipped, context: { log } }: OneTarget, { isOnly }: { isOnly: boolean }): void {
  if (isOnly) return;
  if (isSkipped) log.warning(`skipped, because it could not be reached: ${failure?.fields.why}`);
  else if (failure) for (const line of linesOf(failure.message)) log.line(line);
  else if (done) log.line(`finished: ${done.outcome.state}`);
}

function countEnded(targets: readonly OneTarget[]): number {
  return targets.filter(({ done, failure }) => done ?? failure).length;
}

function countLine(progress: readonly Progress[]): string {
  const ended = progress.filter((one) => one !== 'waiting');
  return `${ended.length} of ${progress.length} targets finished, ${ended.filter((one) => one !== 'proved').length} of them failed or unreachable`;
}

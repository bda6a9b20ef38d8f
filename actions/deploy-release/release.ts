import type { ActionContext } from '../../lib/action/action.ts';
import { prefixed } from '../../lib/action/log.ts';
import { openReportFile } from '../../lib/action/report-file.ts';
import { ConnectionError, Failure, InputError, TargetError } from '../../lib/errors.ts';
import { linesOf } from '../../lib/foreign.ts';
import { hostsOfStep } from '../../lib/rollout/hosts.ts';
import { policyOf } from '../../lib/rollout/inputs.ts';
import { rollOut } from '../../lib/rollout/roll-out.ts';
import { readSource, type Source } from '../../lib/source.ts';
import { isUnreachable } from '../../lib/ssh/failures.ts';
import type { ConnectionInputs } from '../../lib/ssh/inputs.ts';
import { openTransfers, type Transfers } from '../../lib/transfer/transfers.ts';
import { openBook, type Page, worst } from '../deploy-binary/book.ts';
import { asUntouched, isGreen, NOTHING_DONE } from '../deploy-binary/report.ts';
import { programInputs, type ReleaseInputs } from './inputs.ts';
import type { BinaryPart, Part } from './parts/part.ts';
import { readParts } from './parts/read-parts.ts';
import { type Released, releaseTo } from './release-target.ts';
import { type FinishedTarget, reportOf, reportRelease } from './report.ts';

/** The story of the step: read the parts, release to every target, revert everywhere if that is wanted, report. */
export async function release(inputs: ReleaseInputs, context: ActionContext): Promise<void> {
  const startedAt = Date.now();
  const parts = supported(await readParts({ parts: inputs.parts, partsFile: inputs.partsFile }));
  for (const { program } of parts)
    for (const line of program.environment) context.log.maskValue(line.slice(line.indexOf('=') + 1));
  const writeReport = await openReportFile(inputs.reportFile, context.log);
  const hosts = await hostsOfStep(inputs.hosts, inputs.rollout);
  if (hosts.length === 0) {
    context.log.line(`Shard ${inputs.rollout.shard} has no target: nothing to do.`);
    return context.outputs({ ...NOTHING_DONE, state: 'unchanged' });
  }
  const places = hosts.flatMap((host) => parts.map((_, part) => ({ host, part })));
  const pages = openBook(places, context);
  const transfers = parts.map(() => openTransfers({ wanted: inputs.transfer, several: hosts.length > 1 }, context));
  try {
    const sources = await readSources(parts);
    const targets = await releaseToAll(inputs, context, { hosts, parts, sources, pages, transfers });
    try {
      if (inputs.revertAll) await revertDone(targets);
    } finally {
      await Promise.all(targets.map((target) => target.done?.close()));
    }
    await writeReport(reportOf(targets));
    await reportRelease(targets, context, { dryRun: inputs.dryRun, durationMs: Date.now() - startedAt });
  } finally {
    for (const one of transfers) await one[Symbol.asyncDispose]();
  }
}

function supported(parts: readonly Part[]): BinaryPart[] {
  const other = parts.filter((part) => part.kind !== 'binary');
  if (other.length > 0)
    throw new InputError(
      other.map(({ kind, line }) => `Input 'parts', line ${line}: parts of the kind ${kind} can't be released yet.`),
    );
  return parts as BinaryPart[];
}

/** Every file that can't be used is reported at once. */
async function readSources(parts: readonly BinaryPart[]): Promise<Source[]> {
  const read = await Promise.allSettled(
    parts.map(({ program }) => readSource(program.source ?? '', program.expectStrings)),
  );
  const failed = read.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  const [first] = failed;
  if (failed.length > 1 && failed.every((error) => error instanceof Failure)) {
    throw new Failure({
      ...first.fields,
      what: 'Reading the sources',
      why: failed.map(({ fields }) => `${fields.what}: ${fields.why}`).join('\n'),
    });
  }
  if (first) throw first;
  return read.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}

interface Given {
  hosts: readonly string[];
  parts: readonly BinaryPart[];
  sources: readonly Source[];
  /** For each target those of its parts. */
  pages: readonly Page[];
  transfers: readonly Transfers[];
}

/** Releases to the targets as the inputs about several targets say; marks those that were not started. */
async function releaseToAll(inputs: ReleaseInputs, context: ActionContext, given: Given): Promise<FinishedTarget[]> {
  const { hosts } = given;
  const several = hosts.length > 1;
  const targets = hosts.map(
    (host): FinishedTarget => ({
      target: host,
      context: several ? { ...context, log: prefixed(context.log, host) } : context,
    }),
  );
  const rollout = {
    policy: policyOf(inputs.rollout, hosts.length),
    pauseSeconds: inputs.rollout['pause-seconds'],
    signal: context.signal,
    onPause: () => context.log.line(`A batch has finished; waiting ${inputs.rollout['pause-seconds']} s.`),
  };
  const stoppedBecause = await rollOut(hosts.length, rollout, async (index) => {
    const target = targets[index] as FinishedTarget;
    const connection = { ...inputs.connection, host: hosts[index] as string };
    try {
      const parts = partsOf(inputs, given, { connection, index });
      target.done = await releaseTo(connection, { parts, context: target.context, dryRun: inputs.dryRun });
      target.target = target.done.target;
      if (!inputs.revertAll || !target.done.undo) await target.done.close();
      if (several) target.context.log.line(`finished: ${target.done.state}`);
    } catch (error) {
      // The source, an input: no target is to blame.
      if (!(error instanceof ConnectionError || error instanceof TargetError)) throw error;
      target.failure = asUntouched(error);
      target.isSkipped = inputs.rollout.unreachable === 'skip' && isUnreachable(error);
      if (several) for (const line of linesOf(target.failure.message)) target.context.log.line(line);
      if (isUnreachable(error)) return 'unreachable';
    }
    return isRed(target) ? 'failed' : 'proved';
  });
  for (const target of targets)
    if (!target.done && !target.failure) target.skipped = stoppedBecause ?? 'the rollout ended';
  return targets;
}

function partsOf(
  inputs: ReleaseInputs,
  { parts, sources, pages, transfers }: Given,
  { connection, index }: { connection: ConnectionInputs; index: number },
) {
  const { host, user, port, container } = connection;
  return parts.map((part, at) => {
    const source = sources[at];
    const name = [user, host, port, container, part.program.destination].join(' ');
    const foreseen = inputs.dryRun || !source ? undefined : Promise.resolve(source);
    return {
      part,
      inputs: programInputs(inputs, part.program),
      source,
      book: pages[index * parts.length + at] as Page,
      transfers: (transfers[at] as Transfers).to(name, foreseen),
    };
  });
}

export function isRed({ done, failure, isSkipped }: FinishedTarget): boolean {
  return (failure !== undefined && !isSkipped) || (done !== undefined && !isGreen(done.state));
}

/** One failed: the others get back what they had before, all at once, because every second they differ. */
async function revertDone(targets: readonly FinishedTarget[]): Promise<void> {
  const failed = targets.find(isRed);
  if (!failed) return;
  await Promise.all(
    targets.map(async ({ done, context }) => {
      if (!done?.undo) return;
      context.log.line(`${failed.target} failed and revert-all is set: restoring the previous release.`);
      await revertOne(done, failed.target);
      context.log.line(`finished: ${done.state}`);
    }),
  );
}

async function revertOne(done: Released, failed: string): Promise<void> {
  const outcomes = (await done.undo?.()) ?? [];
  const changed = done.parts.filter(({ outcome }) => outcome.state === 'active');
  for (const [at, part] of changed.entries()) {
    const outcome = outcomes[at];
    if (!outcome) continue;
    // What another deploy has replaced since stays.
    const state = outcome.state === 'untouched' ? 'active' : outcome.state;
    await part.book.end(state);
    if (state === 'active') continue;
    const why = `${failed} failed, and revert-all is set${outcome.why ? `; ${outcome.why}` : ''}`;
    const { downtimeMs, bytesSent } = part.outcome;
    part.outcome = { ...outcome, failed: 'revert-all', why, downtimeMs, bytesSent };
  }
  done.state = worst(done.parts.map(({ outcome }) => outcome.state));
}

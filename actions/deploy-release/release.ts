import type { ActionContext } from '../../lib/action/action.ts';
import { prefixed } from '../../lib/action/log.ts';
import { openReportFile } from '../../lib/action/report-file.ts';
import { InputError } from '../../lib/errors.ts';
import { linesOf } from '../../lib/foreign.ts';
import { headerSecrets } from '../../lib/health-headers.ts';
import type { Progress } from '../../lib/rollout/decide.ts';
import { hostsOfStep } from '../../lib/rollout/hosts.ts';
import { policyOf } from '../../lib/rollout/inputs.ts';
import { rollOut } from '../../lib/rollout/roll-out.ts';
import { openTransfers, type Transfers } from '../../lib/transfer/transfers.ts';
import { openBook, type Page, worst } from '../deploy-binary/book.ts';
import { markSkipped, noteFailure } from '../deploy-binary/not-done.ts';
import { NOTHING_DONE } from '../deploy-binary/report.ts';
import { programInputs, type ReleaseInputs } from './inputs.ts';
import { asProgram, type PlacedPart } from './kinds/as-program.ts';
import type { Part } from './parts/part.ts';
import { readParts } from './parts/read-parts.ts';
import { type PartSource, readSources } from './read-sources.ts';
import { type Released, releaseTo } from './release-target.ts';
import { entriesOf, type FinishedTarget, isRed, reportRelease } from './report.ts';

/** The story of the step: read the parts, release to every target, revert everywhere if that is wanted, report. */
export async function release(inputs: ReleaseInputs, context: ActionContext): Promise<void> {
  const startedAt = Date.now();
  const parts = supported(await readParts({ parts: inputs.parts, partsFile: inputs.partsFile }), inputs);
  maskSecrets(parts, context);
  const writeReport = await openReportFile(inputs.reportFile, context.log);
  const hosts = await hostsOfStep(inputs.hosts, inputs.rollout);
  if (hosts.length === 0) {
    context.log.line(`Shard ${inputs.rollout.shard} has no target: nothing to do.`);
    return context.outputs({ ...NOTHING_DONE, state: 'unchanged' });
  }
  const pages = openBook(
    hosts.flatMap((host) => parts.map((_, part) => pageName(host, part))),
    context,
  );
  const transfers = parts.map(() => openTransfers({ wanted: inputs.transfer, several: hosts.length > 1 }, context));
  try {
    const sources = inputs.isRollback ? [] : await readSources(parts);
    const targets = await releaseToAll({ inputs, context, hosts, parts, sources, pages, transfers });
    try {
      if (inputs.revertAll) await revertDone(targets);
    } finally {
      await Promise.all(targets.map((target) => target.done?.close()));
    }
    await writeReport(entriesOf(targets));
    await reportRelease(targets, context, { dryRun: inputs.dryRun, durationMs: Date.now() - startedAt });
  } finally {
    for (const one of transfers) await one[Symbol.asyncDispose]();
  }
}

/** What the state saved for the post step calls a part on a target; no host has a line break. */
export function pageName(host: string, part: number): string {
  return `${host}\n${part}`;
}

function maskSecrets(parts: readonly PlacedPart[], { log }: ActionContext): void {
  for (const { program } of parts) {
    for (const line of program.environment) log.maskValue(line.slice(line.indexOf('=') + 1));
    for (const secret of headerSecrets(program.health.headers)) log.maskValue(secret);
  }
}

function supported(parts: readonly Part[], { isRollback }: ReleaseInputs): PlacedPart[] {
  const placed = parts.map(asProgram);
  const problems = parts.flatMap(({ kind, line }, at) => {
    if (!placed[at]) return [`Input 'parts', line ${line}: parts of the kind ${kind} can't be released yet.`];
    if (!isRollback || kind === 'binary') return [];
    return [`Input 'rollback-to': parts of the kind ${kind} (line ${line} of parts) can't be rolled back yet.`];
  });
  if (problems.length > 0) throw new InputError(problems);
  return placed.flatMap((part) => part ?? []);
}

interface All {
  inputs: ReleaseInputs;
  context: ActionContext;
  hosts: readonly string[];
  parts: readonly PlacedPart[];
  sources: readonly PartSource[];
  /** For each target those of its parts. */
  pages: readonly Page[];
  transfers: readonly Transfers[];
}

/** Releases to the targets as the inputs about several targets say; marks those that were not started. */
async function releaseToAll(all: All): Promise<FinishedTarget[]> {
  const { inputs, context, hosts } = all;
  const targets = hosts.map(
    (host): FinishedTarget => ({
      target: host,
      context: hosts.length > 1 ? { ...context, log: prefixed(context.log, host) } : context,
    }),
  );
  const pauseSeconds = inputs.rollout['pause-seconds'];
  const stoppedBecause = await rollOut(
    hosts.length,
    {
      policy: policyOf(inputs.rollout, hosts.length),
      pauseSeconds,
      signal: context.signal,
      onPause: () => context.log.line(`Waiting ${pauseSeconds} s before the next targets.`),
    },
    (index) => releaseToOne(targets[index] as FinishedTarget, index, all),
  );
  markSkipped(targets, stoppedBecause);
  return targets;
}

/** Throws where no target is to blame: the source, an input. */
async function releaseToOne(
  target: FinishedTarget,
  index: number,
  all: All,
): Promise<Exclude<Progress, 'waiting' | 'running'>> {
  const { inputs, hosts } = all;
  const { log } = target.context;
  const host = hosts[index] as string;
  try {
    const connection = { ...inputs.connection, host };
    const parts = partsOf(all, { host, index });
    target.done = await releaseTo(connection, {
      parts,
      context: target.context,
      dryRun: inputs.dryRun,
      isRollback: inputs.isRollback,
    });
    target.target = target.done.target;
    if (!inputs.revertAll || !target.done.undo) await target.done.close();
    if (hosts.length > 1) log.line(`finished: ${target.done.state}`);
    return isRed(target) ? 'failed' : 'proved';
  } catch (error) {
    const progress = noteFailure(target, error, inputs.rollout);
    if (target.isSkipped) log.warning(`skipped, because it could not be reached: ${target.failure?.fields.why}`);
    else if (hosts.length > 1) for (const line of linesOf(target.failure?.message ?? '')) log.line(line);
    return progress;
  }
}

function partsOf({ inputs, parts, sources, pages, transfers }: All, { host, index }: { host: string; index: number }) {
  const { user, port, container } = inputs.connection;
  return parts.map((part, at) => {
    const read = sources[at];
    const source = read?.source;
    const name = [user, host, port, container, part.program.destination].join(' ');
    const foreseen = inputs.dryRun || !source || part.kind === 'folder' ? undefined : Promise.resolve(source);
    return {
      part,
      inputs: programInputs(inputs, part.program),
      source,
      read,
      book: pages[index * parts.length + at] as Page,
      transfers: (transfers[at] as Transfers).to(name, foreseen),
    };
  });
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
    const why = `${failed} failed and revert-all is set${outcome.why ? `; ${outcome.why}` : ''}`;
    const { downtimeMs, bytesSent } = part.outcome;
    part.outcome = { ...outcome, failed: 'revert-all', why, downtimeMs, bytesSent };
  }
  done.state = worst(done.parts.map(({ outcome }) => outcome.state));
}

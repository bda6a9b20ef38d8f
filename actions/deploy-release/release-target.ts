import type { ActionContext } from '../../lib/action/action.ts';
import type { TargetState } from '../../lib/errors.ts';
import type { Source } from '../../lib/source.ts';
import { connect, type Host } from '../../lib/ssh/connect.ts';
import type { ConnectionInputs } from '../../lib/ssh/inputs.ts';
import type { TargetTransfers } from '../../lib/transfer/transfers.ts';
import { type Page, worst } from '../deploy-binary/book.ts';
import type { DeployInputs } from '../deploy-binary/inputs.ts';
import { bareOutcome, type Outcome } from '../deploy-binary/outcome.ts';
import { otherKernel, restless } from '../deploy-binary/plan/obstacles/host.ts';
import { foundLines, isGreen, planLines, refusal } from '../deploy-binary/report.ts';
import { gateObstacles } from '../deploy-binary/with-hooks.ts';
import type { PlacedPart } from './kinds/as-program.ts';
import {
  type InspectedPart,
  inspectPart,
  namedContext,
  type PartOnTarget,
  planned,
  transactionOf,
} from './part-on-target.ts';
import { participants, previousDigests } from './plan.ts';
import type { PartSource } from './read-sources.ts';
import { recoverParts } from './recover.ts';
import { revertParts } from './revert.ts';
import { transact } from './transact.ts';

/** What the release of one target needs of the step, part by part. */
export interface PartOfStep {
  part: PlacedPart;
  inputs: DeployInputs;
  source: Source | undefined;
  read: PartSource | undefined;
  book: Page;
  transfers: TargetTransfers;
}

/** What kind of run it is. */
interface How {
  dryRun: boolean;
  /** Back to what the last release has replaced. */
  isRollback: boolean;
}

/** A part and how it was left. */
export interface ReleasedPart extends InspectedPart {
  outcome: Outcome;
}

/** A target and how it was left. */
export interface Released {
  target: string;
  state: TargetState;
  parts: ReleasedPart[];
  durationMs: number;
  /** Restores what the release has replaced, over the same connections. */
  undo: (() => Promise<Outcome[]>) | undefined;
  close: () => Promise<void>;
}

const LOOKS = 4;
/** Sessions of one connection: servers allow ten, and a hook needs one. */
const PARTS_PER_CONNECTION = 8;

/** The story of one target. The connections stay open, for the caller to close. Throws a Failure when nothing was changed. */
export async function releaseTo(
  connection: ConnectionInputs,
  { parts, context, ...how }: { parts: readonly PartOfStep[]; context: ActionContext } & How,
): Promise<Released> {
  const startedAt = Date.now();
  const reconnect = () => connect(connection, context);
  const hosts = await openConnections(reconnect, Math.ceil(parts.length / PARTS_PER_CONNECTION));
  const close = async () => {
    await Promise.all(hosts.map((host) => host[Symbol.asyncDispose]()));
  };
  try {
    const [host] = hosts as [Host];
    context.log.phase('connect', host.target.name);
    const onTarget = parts.map(
      (part, at): PartOnTarget => ({
        ...part,
        context: namedContext(context, part.part),
        host: hosts[Math.floor(at / PARTS_PER_CONNECTION)] ?? host,
        reconnect,
      }),
    );
    const released = await carryOut(onTarget, context, how);
    for (const { book, outcome } of released) await book.end(outcome.state);
    for (const { part, source, transfers, outcome } of released)
      if (source && part.kind !== 'folder' && isGreen(outcome.state)) transfers.arrived(source, host.isNear());
    const changed = released.filter(({ outcome }) => outcome.state === 'active');
    const state = worst(released.map(({ outcome }) => outcome.state));
    const undo = state === 'active' ? () => revertParts(changed) : undefined;
    return { target: host.target.name, state, parts: released, durationMs: Date.now() - startedAt, undo, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openConnections(open: () => Promise<Host>, count: number): Promise<Host[]> {
  const settled = await Promise.allSettled(Array.from({ length: count }, open));
  const hosts = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = settled.find((one) => one.status === 'rejected');
  if (!failed) return hosts;
  for (const host of hosts) await host[Symbol.asyncDispose]();
  throw failed.reason;
}

/** Inspects, plans and acts; starts again when the target changed meanwhile or an interrupted release is found. */
async function carryOut(
  onTarget: readonly PartOnTarget[],
  { log }: ActionContext,
  { dryRun, isRollback }: How,
): Promise<ReleasedPart[]> {
  let [wanted, isKnown] = [onTarget, !isRollback];
  const noDelta = new Map<number, string>();
  for (let look = 1; ; look += 1) {
    const inspected = withNeeded(await Promise.all(wanted.map(inspectPart)));
    refuse(inspected, ({ found }) => (found.otherKernel ? [otherKernel(found.otherKernel)] : []));
    if (!dryRun && look < LOOKS && (await recoverParts(inspected))) continue;
    if (!isKnown) {
      wanted = withPrevious(inspected);
      isKnown = true;
      continue;
    }
    for (const { context, found, inputs, part } of inspected) {
      const lines = foundLines(found, inputs.destination);
      // Nothing runs a configuration or a folder.
      for (const line of lines) if (part.kind === 'binary' || line !== '  not running') context.log.line(line);
    }
    refuse(inspected, ({ plan }) => plan.obstacles);
    for (const { context, plan } of inspected) for (const line of planLines(plan)) context.log.line(line);
    const taking = inspected.filter(({ plan }) => plan.kind === 'deploy');
    if (dryRun) log.line('dry-run is set: nothing was changed.');
    if (dryRun || taking.length === 0) return inspected.map(asUnchanged);
    const [first] = taking as [InspectedPart];
    const gates = await gateObstacles(first.host, transactionOf(first));
    if (gates.length > 0) throw refusal(first.host.target.name, named(inspected), gates);
    const left = inspected.length - taking.length;
    log.line(
      `${taking.length} of ${inspected.length} parts change together${left > 0 ? '; the others stay as they are' : ''}.`,
    );
    const result = await transact(taking, noDelta);
    if ('outcomes' in result) {
      return inspected.map((part) => {
        const outcome = result.outcomes[taking.indexOf(part)];
        return outcome ? { ...part, outcome } : asUnchanged(part);
      });
    }
    refuse(look < LOOKS ? [] : inspected.slice(0, 1), ({ found }) => [restless(found, LOOKS)]);
    if (result.again === 'delta') noDelta.set(result.failed, 'the first one failed');
    log.line(
      result.again === 'delta'
        ? `The delta of ${taking[result.failed]?.part.name} failed (${result.why}); sending that file whole instead.`
        : 'Another deploy ran in the meantime; inspecting again.',
    );
    for (const { book } of taking) await book.end('untouched');
  }
}

/** The parts with the versions that they had before the last release. Throws where one had none. */
function withPrevious(inspected: readonly InspectedPart[]): PartOnTarget[] {
  const digests = previousDigests(
    inspected.map(({ found }) => ({ last: found.lastRelease, live: found.file?.sha256 })),
  );
  refuse(inspected, (part) => (digests[inspected.indexOf(part)] ? [] : [NO_PREVIOUS]));
  return inspected.map((part, at) => ({ ...part, inputs: { ...part.inputs, rollbackTo: digests[at] } }));
}

const NO_PREVIOUS = {
  why: 'no version before the last release is known.',
  remedy: 'release the version that you want from its source.',
};

/** Plans again what takes part only because an earlier part does. */
function withNeeded(inspected: readonly InspectedPart[]): InspectedPart[] {
  const parts = inspected.map(({ part }) => part);
  const taking = participants(
    parts,
    inspected.map(({ plan }) => plan.kind === 'deploy'),
  );
  return inspected.map((one, index) => {
    if (one.plan.kind !== 'unchanged' || !taking.includes(index)) return one;
    const needed = one.part.needs.filter((need) => taking.includes(need)).map((need) => parts[need]?.name);
    return planned(one, `${needed.join(' and ')} ${needed.length > 1 ? 'change' : 'changes'}, which it needs`);
  });
}

function asUnchanged(part: InspectedPart): ReleasedPart {
  return { ...part, outcome: bareOutcome({ state: 'unchanged', pid: part.found.processes[0]?.pid }) };
}

function named(parts: readonly InspectedPart[]): string {
  return parts.map(({ part }) => part.name).join(', ');
}

/** Throws one failure with every obstacle of every part. */
function refuse(
  parts: readonly InspectedPart[],
  obstaclesOf: (part: InspectedPart) => readonly { why: string; remedy: string }[],
): void {
  const all = parts.flatMap((part) =>
    obstaclesOf(part).map(({ why, remedy }) => ({ why: `${part.part.name}: ${why}`, remedy })),
  );
  const [first] = parts;
  if (first && all.length > 0) throw refusal(first.host.target.name, named(parts), all);
}

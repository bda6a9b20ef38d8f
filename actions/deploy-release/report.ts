import type { ActionContext } from '../../lib/action/action.ts';
import { TargetError, type TargetState } from '../../lib/errors.ts';
import { worst } from '../deploy-binary/book.ts';
import { entryOf, failureOf, hasChanged, isSuccess, tableOf } from '../deploy-binary/report.ts';
import { aligned, type NotDone } from '../deploy-binary/report-several.ts';
import type { DeployResult } from '../deploy-binary/result.ts';
import type { Released, ReleasedPart } from './release-target.ts';

/** How one target came out: `done`, `failure` or `skipped`. */
export interface FinishedTarget extends NotDone {
  context: ActionContext;
  done?: Released;
}

const COLUMNS = ['part', 'state', 'sha256', 'pid', 'downtime', 'sent', 'time'];

/** Outputs, a table in log and summary with a row for each part; throws unless all targets are green. */
export async function reportRelease(
  targets: readonly FinishedTarget[],
  context: ActionContext,
  { dryRun, durationMs }: { dryRun: boolean; durationMs: number },
): Promise<void> {
  await context.outputs({ ...outputsOf(targets), 'duration-ms': durationMs });
  if (!dryRun) await table(targets, context);
  const [only] = targets;
  if (targets.length === 1 && only?.failure) throw only.failure;
  const missed = targets.filter((target) => isRed(target) || (!target.done && !target.isSkipped));
  if (missed.length > 0) throw failureOfAll(targets, missed);
  if (targets.every(({ done }) => !done)) throw failureOfAll(targets, targets);
}

function outputsOf(targets: readonly FinishedTarget[]) {
  const parts = targets.flatMap(({ done }) => done?.parts ?? []);
  const counted = targets.filter(({ isSkipped }) => !isSkipped);
  return {
    state: worst((counted.length > 0 ? counted : targets).map(stateOf)),
    changed: parts.some(({ outcome }) => hasChanged(outcome.state)),
    'downtime-ms': Math.max(0, ...parts.map(({ outcome }) => outcome.downtimeMs ?? 0)),
    'bytes-sent': parts.reduce((bytes, { outcome }) => bytes + outcome.bytesSent, 0),
    report: entriesOf(targets),
  };
}

/** The report of every target, and in it of every part. */
export function entriesOf(targets: readonly FinishedTarget[]): object[] {
  return targets.map((target) => {
    const { done } = target;
    if (!done) return { target: target.target, state: 'untouched', why: whyNot(target), parts: [] };
    return {
      target: done.target,
      state: done.state,
      durationMs: done.durationMs,
      parts: done.parts.map((part) => ({ part: part.part.name, kind: part.part.kind, ...entryOf(toldOf(part, done)) })),
    };
  });
}

/** Whether a target that the step has been to is not as it should be. */
export function isRed({ done, failure, isSkipped }: FinishedTarget): boolean {
  return (failure !== undefined && !isSkipped) || (done?.parts.some(({ outcome }) => !isSuccess(outcome)) ?? false);
}

function toldOf(part: ReleasedPart, { target, durationMs }: Released): DeployResult {
  const { inputs, found, plan, outcome } = part;
  return { target, inputs, found, plan, outcome, durationMs };
}

async function table(targets: readonly FinishedTarget[], context: ActionContext): Promise<void> {
  const several = targets.length > 1;
  const head = several ? ['target', ...COLUMNS] : COLUMNS;
  const rows = targets.flatMap((target) => {
    const { done } = target;
    if (!done) return [[...(several ? [target.target] : []), '', 'untouched', whyNot(target)]];
    return done.parts.map((part) => {
      const cells = new Map(tableOf(toldOf(part, done)));
      const row = COLUMNS.map((name) => (name === 'part' ? part.part.name : (cells.get(name) ?? '')));
      return several ? [target.target, ...row] : row;
    });
  });
  for (const line of ['', ...aligned([head, ...rows]), '']) context.log.line(line);
  await context.summary({ title: several ? 'Release to several targets' : 'Release', head, rows });
}

function whyNot({ failure, skipped }: FinishedTarget): string {
  return failure?.fields.why.split('\n')[0] ?? `not started: ${skipped}`;
}

function stateOf({ done }: FinishedTarget): TargetState {
  return done?.state ?? 'untouched';
}

/** Each part that failed on its own, and how every part was left; those that only followed say nothing. */
function failureOfAll(targets: readonly FinishedTarget[], red: readonly FinishedTarget[]): TargetError {
  const several = targets.length > 1;
  const causes = red.flatMap((target) => causesOf(target).map((cause) => ({ ...cause, target: target.target })));
  const named = (target: string, text: string) => (several ? `${target}: ${text}` : text);
  return new TargetError({
    what: 'The release',
    where: [...new Set(causes.map(({ target }) => target))].join(', '),
    why:
      causes.map(({ target, what, why }) => named(target, `${what}: ${why}`)).join('\n') || 'the step was cancelled.',
    state: targets.flatMap((target) => statesOf(target).map((text) => named(target.target, text))).join('\n'),
    remedy: causes[0]?.remedy ?? 're-run the job; targets that are already deployed are left as they are.',
    output: causes[0]?.output,
  });
}

function causesOf({ done, failure }: FinishedTarget) {
  if (failure) return [failure.fields];
  if (!done) return [];
  const failed = done.parts.filter(({ outcome }) => !isSuccess(outcome) && outcome.failed !== 'revert-all');
  const own = failed.filter(({ outcome }) => outcome.failed !== 'release');
  return (own.length > 0 ? own : failed).map((part) => failureOf(toldOf(part, done)).fields);
}

function statesOf(target: FinishedTarget): string[] {
  const { done } = target;
  if (!done) return [`untouched, ${whyNot(target)}`];
  return [
    `${done.state}.`,
    ...done.parts.map((part) => {
      const sentence = isSuccess(part.outcome)
        ? `${part.outcome.state}.`
        : (failureOf(toldOf(part, done)).fields.state ?? part.outcome.state);
      return `${part.part.name}: ${sentence}`;
    }),
  ];
}

import type { ActionContext } from '../../lib/action/action.ts';
import { type Failure, STATES, TargetError, type TargetState } from '../../lib/errors.ts';
import { worst } from './book.ts';
import { entryOf, failureOf, hasChanged, isSuccess, scalarsOf, tableOf } from './report.ts';
import type { DeployResult } from './result.ts';

/** A target on which nothing was done: why. */
export interface NotDone {
  /** As it was written, or its full name once it is known. */
  target: string;
  /** Why nothing was changed there. */
  failure?: Failure;
  /** It could not be reached, and does not count as failed. */
  isSkipped?: boolean;
  /** Why it was never started. */
  skipped?: string;
}

/** How one of several targets came out: `done`, `failure` or `skipped`. */
export interface Ended extends NotDone {
  done?: DeployResult;
}

/** Rows of the table, and so many names in a sentence; what is beyond is counted. */
const MOST_ROWS = 200;
const MOST_NAMES = 10;
/** Above this the output holds a summary and the red ones; report-file has all. */
const REPORT_LIMIT_BYTES = 200 * 1024;

const COLUMNS = ['target', 'state', 'sha256', 'pid', 'downtime', 'sent', 'time'];

/** Whether a target that the step has been to is not as it should be. */
export function isRed({ done, failure, isSkipped }: Ended): boolean {
  return (failure !== undefined && !isSkipped) || (done !== undefined && !isSuccess(done.outcome));
}

/** The report of every target, in the order of the targets. */
export function entriesOf(targets: readonly Ended[]): object[] {
  return targets.map(({ done, ...target }) =>
    done ? entryOf(done) : { target: target.target, state: 'untouched', why: whyNot(target) },
  );
}

/** Outputs, a table in log and summary with a row for each target; throws unless all of them are green or skipped. */
export async function reportSeveral(targets: readonly Ended[], context: ActionContext, durationMs: number) {
  await context.outputs({ ...outputsOf(targets), 'duration-ms': durationMs });
  const rows = [COLUMNS, ...redFirst(targets).slice(0, MOST_ROWS).map(rowOf)];
  const rest = targets.length > MOST_ROWS ? [`  and ${targets.length - MOST_ROWS} more`] : [];
  const counted = countStates(targets);
  for (const line of ['', ...aligned(rows), ...rest, `  ${counted}`, '']) context.log.line(line);
  await context.summary({ title: 'Deploy to several targets', list: [counted], head: COLUMNS, rows: rows.slice(1) });
  if (targets.some(isMissed) || targets.every(({ done }) => !done)) throw failureOfAll(targets);
}

/** Outputs of the only target when nothing was changed there; throws why. */
export async function reportFailure(target: Ended, context: ActionContext, durationMs: number): Promise<never> {
  await context.outputs({ ...outputsOf([target]), 'duration-ms': durationMs });
  throw target.failure;
}

/** The scalars are those of the first target in the worst state; bytes are a sum, downtime is a maximum. */
function outputsOf(targets: readonly Ended[]) {
  const told = targets.flatMap(({ done }) => done ?? []);
  const counted = targets.filter(({ isSkipped }) => !isSkipped);
  const state = worst((counted.length > 0 ? counted : targets).map(stateOf));
  const chosen = told.find(({ outcome }) => outcome.state === state) ?? told[0];
  return {
    ...(chosen && scalarsOf(chosen)),
    state,
    changed: told.some(({ outcome }) => hasChanged(outcome.state)),
    'downtime-ms': Math.max(0, ...told.map(({ outcome }) => outcome.downtimeMs ?? 0)),
    'bytes-sent': told.reduce((bytes, { outcome }) => bytes + outcome.bytesSent, 0),
    report: shortReport(targets),
  };
}

/** The report, or what of it fits into an output: how many ended how, and the first of those that are not green. */
function shortReport(targets: readonly Ended[]): object {
  const entries = entriesOf(targets);
  const bytes = Buffer.byteLength(JSON.stringify(entries, null, 1));
  if (bytes <= REPORT_LIMIT_BYTES) return entries;
  const states = Object.fromEntries(countsOf(targets));
  const red = entriesOf(targets.filter(isMissed).slice(0, MOST_NAMES));
  return { cut: `the whole report has ${bytes} bytes; set report-file for it`, targets: targets.length, states, red };
}

/** Whether the new version was to run there, and does not. */
function isMissed(target: Ended): boolean {
  return isRed(target) || (target.done === undefined && !target.isSkipped);
}

function redFirst(targets: readonly Ended[]): Ended[] {
  if (targets.length <= MOST_ROWS) return [...targets];
  return [...targets.filter(isMissed), ...targets.filter((target) => !isMissed(target))];
}

function countsOf(targets: readonly Ended[]): [string, number][] {
  const names = [...STATES, 'skipped'] as const;
  const nameOf = (target: Ended) => (target.isSkipped ? 'skipped' : stateOf(target));
  return names.flatMap((name): [string, number][] => {
    const count = targets.filter((target) => nameOf(target) === name).length;
    return count > 0 ? [[name, count]] : [];
  });
}

function countStates(targets: readonly Ended[]): string {
  const counts = countsOf(targets).map(([name, count]) => `${count} ${name}`);
  return `${targets.length} targets: ${counts.join(', ')}`;
}

function rowOf({ done, ...target }: Ended): string[] {
  if (!done) return [target.target, 'untouched', whyNot(target)];
  const cells = new Map(tableOf(done));
  return COLUMNS.map((name) => (name === 'target' ? target.target : (cells.get(name) ?? '')));
}

function whyNot({ failure, isSkipped, skipped }: Ended): string {
  const why = failure?.fields.why.split('\n')[0] ?? `not started: ${skipped}`;
  return isSkipped ? `skipped: ${why}` : why;
}

function stateOf({ done }: Ended): TargetState {
  return done?.outcome.state ?? 'untouched';
}

/** The rows of a table as lines of the log; the first one is its head. */
export function aligned(rows: readonly string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd());
}

/** Where it began, and how the targets were left. */
function failureOfAll(targets: readonly Ended[]): TargetError {
  const causes = targets.flatMap(({ target, done, failure }) => {
    const own = done && !isSuccess(done.outcome) && done.outcome.failed !== 'revert-all';
    const cause = failure ?? (own ? failureOf(done) : undefined);
    return cause ? [{ target, ...cause.fields }] : [];
  });
  const told = causes.slice(0, MOST_NAMES).map(({ target, what, why }) => `${target}: ${what}: ${why}`);
  if (causes.length > told.length) told.push(`and ${causes.length - told.length} more`);
  const left = targets.filter((target) => targets.length <= MOST_NAMES || isMissed(target)).slice(0, MOST_NAMES);
  const states = left.map((target) => `${target.target}: ${stateOf(target)}`);
  if (targets.length > left.length) states.push(countStates(targets));
  return new TargetError({
    what: 'Deploying',
    where: listed(causes.map(({ target }) => target)),
    why: told.join('\n') || 'the step was cancelled.',
    state: states.join('\n'),
    remedy: causes[0]?.remedy ?? 're-run the job; targets that are already deployed are left as they are.',
    output: causes[0]?.output,
  });
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMES).join(', ');
  return names.length > MOST_NAMES ? `${shown} and ${names.length - MOST_NAMES} more` : shown;
}

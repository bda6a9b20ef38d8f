import type { ActionContext } from '../../lib/action/action.ts';
import { type Failure, TargetError, type TargetState } from '../../lib/errors.ts';
import { worst } from './book.ts';
import { entryOf, failureOf, hasChanged, isGreen, scalarsOf, type Told, tableOf } from './report.ts';

/** How one of several targets came out: `done`, `failure` or `skipped`. */
export interface Ended {
  /** As it was written, or its full name once it is known. */
  target: string;
  done?: Told;
  /** Why nothing was changed there. */
  failure?: Failure;
  /** Why it was never begun: since … */
  skipped?: string;
}

const COLUMNS = ['target', 'state', 'sha256', 'pid', 'downtime', 'sent', 'time'];

/** Whether a target that the step has been to is not as it should be. */
export function isRed({ done, failure }: Ended): boolean {
  return failure !== undefined || (done !== undefined && !isGreen(done.outcome.state));
}

/** Outputs, a table in log and summary with a row for each target; throws unless all of them are green. */
export async function reportSeveral(targets: readonly Ended[], context: ActionContext, durationMs: number) {
  await context.outputs({ ...outputsOf(targets), 'duration-ms': durationMs });
  const rows = [COLUMNS, ...targets.map(rowOf)];
  for (const line of ['', ...aligned(rows), '']) context.log.line(line);
  await context.summary({ title: 'Deploy to several targets', head: COLUMNS, rows: rows.slice(1) });
  if (targets.some((target) => target.done === undefined || isRed(target))) throw failureOfAll(targets);
}

/** Outputs of the only target when nothing was changed there; throws why. */
export async function reportFailure(target: Ended, context: ActionContext, durationMs: number): Promise<never> {
  await context.outputs({ ...outputsOf([target]), 'duration-ms': durationMs });
  throw target.failure;
}

/** The scalars are those of the first target in the worst state; bytes are a sum, downtime is a maximum. */
function outputsOf(targets: readonly Ended[]) {
  const told = targets.flatMap(({ done }) => done ?? []);
  const state = worst(targets.map(stateOf));
  const chosen = told.find(({ outcome }) => outcome.state === state) ?? told[0];
  return {
    ...(chosen && scalarsOf(chosen)),
    state,
    changed: told.some(({ outcome }) => hasChanged(outcome.state)),
    'downtime-ms': Math.max(0, ...told.map(({ outcome }) => outcome.downtimeMs ?? 0)),
    'bytes-sent': told.reduce((bytes, { outcome }) => bytes + outcome.bytesSent, 0),
    report: targets.map(({ done, ...target }) =>
      done ? entryOf(done) : { target: target.target, state: 'untouched', why: whyNot(target) },
    ),
  };
}

function rowOf({ done, ...target }: Ended): string[] {
  if (!done) return [target.target, 'untouched', whyNot(target)];
  const cells = new Map(tableOf(done));
  return COLUMNS.map((name) => (name === 'target' ? target.target : (cells.get(name) ?? '')));
}

function whyNot({ failure, skipped }: Ended): string {
  return failure?.fields.why.split('\n')[0] ?? `not started: ${skipped}`;
}

function stateOf({ done }: Ended): TargetState {
  return done?.outcome.state ?? 'untouched';
}

function aligned(rows: readonly string[][]): string[] {
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd());
}

/** Where it began, and how each target was left. */
function failureOfAll(targets: readonly Ended[]): TargetError {
  const causes = targets.flatMap(({ target, done, failure }) => {
    const own = done && !isGreen(done.outcome.state) && done.outcome.failed !== 'revert-all';
    const cause = failure ?? (own ? failureOf(done) : undefined);
    return cause ? [{ target, ...cause.fields }] : [];
  });
  return new TargetError({
    what: 'Deploying',
    where: causes.map(({ target }) => target).join(', '),
    why: causes.map(({ target, what, why }) => `${target}: ${what}: ${why}`).join('\n') || 'the step was cancelled.',
    state: targets.map((target) => `${target.target}: ${stateOf(target)}`).join('\n'),
    remedy: causes[0]?.remedy ?? 're-run the job; targets that are already deployed are left as they are.',
    output: causes[0]?.output,
  });
}

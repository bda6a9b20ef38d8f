import type { TargetState } from '../../lib/errors.ts';
import { type Ran, type Said, saidAll, saidOnce } from '../../lib/ssh/run.ts';

/** How the target was left, and what is known of it. */
export interface Outcome {
  state: TargetState;
  /** The phase that failed, and why; empty on success. */
  failed: string;
  why: string;
  /** What the new program said before it failed. */
  output: string;
  /** Why going back failed too; empty unless the state is `broken`. */
  broken: string;
  /** The process that runs now, if it is known. */
  pid: number | undefined;
  downtimeMs: number | undefined;
  bytesSent: number;
  phases: { phase: string; afterMs: number }[];
}

/** The target has changed between the look at it and the lock: look again. */
export class OutdatedError extends Error {}

/** The transaction died on the target, killed from outside; a recovery can finish it. */
export class DiedError extends Error {}

/** The target could not make the new file of a delta: send it whole. */
export class DeltaError extends Error {}

/** An outcome of which nothing but this is known. */
export function bareOutcome(known: Pick<Outcome, 'state'> & Partial<Outcome>): Outcome {
  return {
    failed: '',
    why: '',
    output: '',
    broken: '',
    pid: undefined,
    downtimeMs: undefined,
    bytesSent: 0,
    phases: [],
    ...known,
  };
}

/**
 * The outcome a program told; undefined when its last word is missing. Throws OutdatedError, DeltaError and DiedError. What it
 * quotes of the deployed program, its health answer for one, is told without the values of `environment` (`KEY=VALUE`).
 */
export function outcomeOf(
  { said = [], complete = false }: Partial<Ran>,
  environment: readonly string[],
): Outcome | undefined {
  if (!complete) return undefined;
  const prose = (text: string | undefined) => withoutValues(text ?? '', environment);
  const gaveUp = saidOnce(said, 'gave_up');
  if (gaveUp === 'changed') throw new OutdatedError();
  if (gaveUp !== undefined) {
    const why = prose(saidOnce(said, 'why'));
    if (gaveUp === 'delta') throw new DeltaError(why);
    const locked = `another deploy of it holds the lock: ${why}`;
    return bareOutcome({
      state: saidOnce(said, 'staged') ? 'staged' : 'untouched',
      failed: gaveUp === 'locked' ? 'lock' : 'stage',
      why: gaveUp === 'locked' ? locked : why,
    });
  }
  if (saidOnce(said, 'died') !== undefined) throw new DiedError();
  const state = saidOnce(said, 'state');
  if (state === undefined) return undefined;
  const gone = saidOnce(said, 'gone');
  if (gone !== undefined && ['active', 'rolled-back'].includes(state)) {
    const broken = `it ended as ${state}, but pid ${gone} is gone since`;
    return bareOutcome({ state: 'broken', failed: 'transaction', why: 'the target may have gone down', broken });
  }
  return {
    state: state as TargetState,
    failed: saidOnce(said, 'failed') ?? '',
    why: prose(saidOnce(said, 'why')),
    output: prose(saidAll(said, 'output').join('\n')),
    broken: prose(saidOnce(said, 'broken')),
    pid: Number(saidOnce(said, 'pid')) || undefined,
    downtimeMs: saidOnce(said, 'downtime_ms') === undefined ? undefined : Number(saidOnce(said, 'downtime_ms')),
    bytesSent: 0,
    phases: phasesOf(said),
  };
}

/** Shorter values are in every second word; a runner does not hide them either. */
const SHORTEST_SECRET_CHARACTERS = 4;

function withoutValues(text: string, environment: readonly string[]): string {
  const values = environment.map((line) => line.slice(line.indexOf('=') + 1));
  return values
    .filter((value) => value.length >= SHORTEST_SECRET_CHARACTERS)
    .reduce((told, value) => told.replaceAll(value, '***'), text);
}

function phasesOf(said: Said): Outcome['phases'] {
  return saidAll(said, 'phase').map((text) => {
    const [phase = '', centiseconds = '0'] = text.split(' ');
    return { phase, afterMs: Number(centiseconds) * 10 };
  });
}

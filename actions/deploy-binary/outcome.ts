import type { TargetState } from '../../lib/errors.ts';
import type { Answer, AnswerError } from '../../lib/ssh/answer.ts';
import type { Ran } from '../../lib/ssh/run.ts';

/** How the target was left, and what is known of it. */
export interface Outcome {
  state: TargetState;
  /** The phase that failed, and why; empty on success. */
  failed: string;
  why: string;
  /** What the new program said before it failed. */
  output: string;
  /** Whether the target does not trust the certificate of the health URL. */
  untrusted: boolean;
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
    untrusted: false,
    broken: '',
    pid: undefined,
    downtimeMs: undefined,
    bytesSent: 0,
    phases: [],
    ...known,
  };
}

/** The target's answer can't be used, so nothing is known of the end of what it was asked to do. */
export function unusableOutcome(error: AnswerError): Outcome {
  return bareOutcome({ state: 'unknown', failed: 'answer', why: error.fields.why.replace(/\.$/, '') });
}

/** The states that a transaction may end in. */
const ENDS = ['active', 'untouched', 'staged', 'rolled-back', 'broken'] as const;
const PHASE = /^([a-z][a-z-]{0,40}) ([0-9]{1,12})$/;

/**
 * The outcome a program told; undefined when its last word is missing. Throws OutdatedError, DeltaError and DiedError, and an
 * AnswerError for what no program says.
 */
export function outcomeOf({
  answer,
  complete = false,
}: Partial<Pick<Ran, 'answer' | 'complete'>>): Outcome | undefined {
  if (!complete || !answer) return undefined;
  const gaveUp = answer.oneOf('gave_up', ['changed', 'delta', 'locked', 'refused', 'release']);
  if (gaveUp === 'changed') throw new OutdatedError();
  if (gaveUp !== undefined) {
    const why = answer.quote('why') ?? '';
    if (gaveUp === 'delta') throw new DeltaError(why);
    const locked = `another deploy of this file holds the lock: ${why}`;
    const failed = { locked: 'lock', refused: 'stage', release: 'release' }[gaveUp];
    const state = answer.digest('staged') ? 'staged' : 'untouched';
    return bareOutcome({ state, failed, why: gaveUp === 'locked' ? locked : why });
  }
  if (answer.yes('died')) throw new DiedError();
  const state = answer.oneOf('state', ENDS);
  if (state === undefined) return undefined;
  const gone = answer.pid('gone');
  if (gone !== undefined && ['active', 'rolled-back'].includes(state)) {
    const broken = `it finished as ${state}, but pid ${gone} has since exited`;
    return bareOutcome({ state: 'broken', failed: 'transaction', why: 'the target may have gone down', broken });
  }
  return {
    state,
    failed: answer.text('failed') ?? '',
    why: answer.quote('why') ?? '',
    output: answer.quotedLines('output').join('\n'),
    untrusted: answer.has('health_untrusted'),
    broken: answer.quote('broken') ?? '',
    pid: answer.pid('pid'),
    downtimeMs: answer.number('downtime_ms'),
    bytesSent: 0,
    phases: phasesOf(answer),
  };
}

function phasesOf(answer: Answer): Outcome['phases'] {
  return answer
    .parts('phase', PHASE, 'a phase')
    .map(([phase = '', centiseconds]) => ({ phase, afterMs: Number(centiseconds) * 10 }));
}

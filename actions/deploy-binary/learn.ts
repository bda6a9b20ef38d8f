import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../lib/action/log.ts';
import { Failure } from '../../lib/errors.ts';
import { hiding } from '../../lib/secrets.ts';
import { AnswerError } from '../../lib/ssh/answer.ts';
import { runProgram } from '../../lib/ssh/run.ts';
import program from '../../target/programs/follow.sh';
import type { Deploy } from './deployment.ts';
import { bareOutcome, DiedError, type Outcome, outcomeOf, unusableOutcome } from './outcome.ts';
import { tellPhases } from './phases.ts';

/** What it takes to ask again. */
export interface Learning extends Pick<Deploy, 'inputs' | 'log' | 'signal' | 'reconnect'> {
  sudo: boolean;
  /** Within which the transaction has ended by itself. */
  limitSeconds: number;
}

/**
 * Connects again and follows the transaction `id` to its end on the target. `unknown` only when that fails within its
 * limit, or when what the target answers can't be used. Throws DiedError when it was killed there.
 */
export async function learn(
  { inputs, log, signal, sudo, limitSeconds, reconnect }: Learning,
  id: string,
): Promise<Outcome> {
  // The log may have some of these phases already: a second `stop` would look like one.
  const recorded: Log = { ...log, phase: (name, text) => log.phase(name, `${text} (recorded on the target)`) };
  const deadline = Date.now() + limitSeconds * 1000;
  let last = 'the target could not be reached again';
  const tryAgain = (why: string) => {
    if (why !== last) log.line(`The transaction could not be followed: ${why}. Trying again until its time limit.`);
    last = why;
  };
  while (Date.now() < deadline && !signal.aborted) {
    try {
      await using host = await reconnect();
      const ran = await runProgram(
        host,
        { text: program, values: { folder: inputs.folder, name: inputs.name, id } },
        {
          sudo,
          what: 'Following the transaction',
          limitSeconds: Math.max(5, (deadline - Date.now()) / 1000),
          signal,
          clean: hiding(inputs.environment, inputs.health),
          onSay: tellPhases(recorded, inputs),
        },
      );
      if (ran.complete && ran.answer.yes('never')) {
        return bareOutcome({
          state: 'untouched',
          failed: 'upload',
          why: 'the connection was lost before the transaction started',
        });
      }
      const outcome = outcomeOf(ran);
      if (outcome) return outcome;
      tryAgain(ran.complete ? 'its result is missing' : ran.cut);
    } catch (error) {
      if (error instanceof DiedError) throw error;
      // Asked again, it would say no better.
      if (error instanceof AnswerError) return unusableOutcome(error);
      tryAgain(error instanceof Failure ? error.fields.why.replace(/\.$/, '') : (error as Error).message);
    }
    await sleep(1000, undefined, { signal }).catch(() => undefined);
  }
  return bareOutcome({
    state: 'unknown',
    failed: 'connection',
    why: signal.aborted ? `the step was cancelled (${signal.reason})` : last,
  });
}

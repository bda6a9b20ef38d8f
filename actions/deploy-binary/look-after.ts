import type { ActionContext } from '../../lib/action/action.ts';
import { Failure, InputError } from '../../lib/errors.ts';
import { connect } from '../../lib/ssh/connect.ts';
import { transactionLimitSeconds } from './activate.ts';
import type { DeployInputs } from './inputs.ts';
import { learn } from './learn.ts';

/** What the main step leaves for the post step; no secret. */
export interface Begun {
  id: string;
  sudo: boolean;
  limitSeconds: number;
}

/** The post step: when the main step was killed in mid-deploy, waits for the target's own end and tells it. */
export async function lookAfter(
  saved: (name: string) => string,
  inputs: () => DeployInputs,
  context: ActionContext,
): Promise<void> {
  if (!saved('begun') || saved('told')) return;
  const { log, signal } = context;
  const begun = JSON.parse(saved('begun')) as Begun;
  log.line(
    'The main step was ended in the middle of a deploy. The target ends it by itself, as active or rolled-back.',
  );
  const given = inputsOf(inputs);
  if (!given) {
    log.line(
      `This runner gives a post step no inputs, so it can't be asked; it ends within ${begun.limitSeconds} s. verify-deploy tells.`,
    );
    return;
  }
  try {
    const outcome = await learn(
      {
        inputs: given,
        log,
        signal,
        sudo: begun.sudo,
        limitSeconds: transactionLimitSeconds(given),
        reconnect: () => connect(given.connection, context),
      },
      begun.id,
    );
    log.line(
      `It ended as ${outcome.state}${outcome.pid ? `, pid ${outcome.pid}` : ''}${outcome.why ? `: ${outcome.why}` : ''}.`,
    );
  } catch (error) {
    log.line(
      error instanceof Failure
        ? error.message
        : 'The transaction was killed on the target; the next deploy puts the previous version back.',
    );
  }
}

function inputsOf(inputs: () => DeployInputs): DeployInputs | undefined {
  try {
    return inputs();
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}

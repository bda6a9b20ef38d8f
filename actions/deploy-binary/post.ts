import type { ActionContext } from '../../lib/action/action.ts';
import { prefixed } from '../../lib/action/log.ts';
import { Failure, InputError } from '../../lib/errors.ts';
import { linesOf } from '../../lib/foreign.ts';
import { connect } from '../../lib/ssh/connect.ts';
import type { ConnectionInputs } from '../../lib/ssh/inputs.ts';
import type { Begun } from './book.ts';
import type { DeployInputs } from './inputs.ts';
import { learn } from './learn.ts';

/** The post step: if the main step was killed during a deploy, waits until the targets have finished, and reports how. */
export async function reportInterrupted(
  saved: (name: string) => string,
  inputs: () => DeployInputs,
  context: ActionContext,
): Promise<void> {
  const open = JSON.parse(saved('begun') || '[]') as Begun[];
  if (open.length === 0) return;
  const { log } = context;
  log.line(
    'The main step was stopped during a deploy. The target will finish it on its own, as active or rolled-back.',
  );
  const given = inputsOf(inputs);
  if (!given) {
    const limitSeconds = Math.max(...open.map((begun) => begun.limitSeconds));
    log.line(
      `This runner passes no inputs to post steps, so the target can't be queried. It will finish within ${limitSeconds} s; check with verify-deploy.`,
    );
    return;
  }
  const one = open.length === 1;
  await Promise.all(
    open.map((begun) => {
      const own = one ? context : { ...context, log: prefixed(log, begun.host) };
      return followInterrupted(begun, { inputs: given, connection: { ...given.connection, host: begun.host } }, own);
    }),
  );
}

/** Waits for the result of one transaction that the main step left, and reports it. */
export async function followInterrupted(
  { id, sudo, limitSeconds }: Pick<Begun, 'id' | 'sudo' | 'limitSeconds'>,
  { inputs, connection }: { inputs: DeployInputs; connection: ConnectionInputs },
  context: ActionContext,
): Promise<void> {
  const { log, signal } = context;
  const reconnect = () => connect(connection, context);
  try {
    const { state, pid, why } = await learn({ inputs, log, signal, sudo, limitSeconds, reconnect }, id);
    log.line(`Finished: ${state}${pid ? `, pid ${pid}` : ''}${why ? `: ${why}` : ''}.`);
  } catch (error) {
    const text =
      error instanceof Failure
        ? error.message
        : 'The transaction was killed on the target; the next deploy restores the previous version.';
    for (const line of linesOf(text)) log.line(line);
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

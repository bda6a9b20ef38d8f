import { setTimeout as sleep } from 'node:timers/promises';
import type { ActionContext } from '../action/action.ts';
import { ConnectionError } from '../errors.ts';
import { connectBuiltin } from './connect-builtin.ts';
import { isTransient } from './failures.ts';
import type { Host } from './host.ts';
import type { ConnectionInputs } from './inputs.ts';
import { targetOf } from './resolve-target.ts';

export type { Host } from './host.ts';

const TRIES = 3;

/** Connects and logs in once. Tries again only where the network, not a key, is the cause. */
export async function connect(inputs: ConnectionInputs, context: ActionContext): Promise<Host> {
  const { log } = context;
  log.mask(inputs['ssh-key']);
  log.mask(inputs['ssh-key-passphrase']);
  const target = targetOf(inputs.host, inputs, context);
  for (let tried = 1; ; tried += 1) {
    try {
      return await connectBuiltin(target, inputs, context);
    } catch (error) {
      if (
        tried >= TRIES ||
        !(error instanceof ConnectionError) ||
        !isTransient(error.fields.cause) ||
        context.signal.aborted
      )
        throw error;
      log.line(`Attempt ${tried} of ${TRIES} failed: ${error.fields.why}`);
      await sleep(tried * (500 + Math.random() * 1000), undefined, { signal: context.signal }).catch(() => undefined);
    }
  }
}

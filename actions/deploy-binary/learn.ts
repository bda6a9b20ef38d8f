import { setTimeout as sleep } from 'node:timers/promises';
import { runProgram, saidOnce } from '../../lib/ssh/run.ts';
import type { Deploy, Outcome } from './activate.ts';
import { DiedError, outcomeOf, tellPhases, transactionLimitSeconds } from './activate.ts';
import program from './remote/follow.sh';

/**
 * After a lost connection: connects again and follows the transaction `id` to its end on the target.
 * `unknown` only when that fails within the time in which the transaction must have ended.
 */
export async function learn(deploy: Deploy, id: string, lost: string): Promise<Outcome> {
  const { inputs, found, log, signal } = deploy;
  log.line(`Lost the target: ${lost}. The transaction goes on there by itself; connecting again to learn its end.`);
  const deadline = Date.now() + transactionLimitSeconds(inputs) * 1000;
  let last = lost;
  while (Date.now() < deadline && !signal.aborted) {
    try {
      await using host = await deploy.reconnect();
      const ran = await runProgram(
        host,
        { text: program, values: { folder: inputs.folder, name: inputs.name, id } },
        {
          sudo: found.sudo,
          what: 'Learning the end of the transaction',
          limitSeconds: Math.max(5, (deadline - Date.now()) / 1000),
          signal,
          onSay: tellPhases(log),
        },
      );
      if (ran.complete && saidOnce(ran.said, 'never') !== undefined) {
        return { ...unknown(lost), state: 'untouched', failed: 'upload', why: `${lost} before the transaction began` };
      }
      const outcome = outcomeOf(ran);
      if (outcome) return outcome;
    } catch (error) {
      if (error instanceof DiedError) throw error;
      last = (error as Error).message.split('\n')[0] ?? lost;
    }
    await sleep(1000, undefined, { signal }).catch(() => undefined);
  }
  return unknown(signal.aborted ? `the step was cancelled (${signal.reason})` : last);
}

function unknown(why: string): Outcome {
  return {
    state: 'unknown',
    failed: 'connection',
    why,
    output: '',
    broken: '',
    pid: undefined,
    downtimeMs: undefined,
    bytesSent: 0,
    phases: [],
  };
}

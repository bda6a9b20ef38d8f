import type { ActionContext } from '../../lib/action/action.ts';
import { Failure } from '../../lib/errors.ts';
import { inParallel } from '../../lib/parallel.ts';
import type { Host } from '../../lib/ssh/connect.ts';
import type { Page } from './book.ts';
import type { Deployed } from './deploy-target.ts';
import { type Ended, isRed } from './report-several.ts';

/** One target that may have to be reverted. */
export interface Reverting extends Ended {
  context: ActionContext;
  page: Page;
  done?: Deployed;
  /** The connection, where it was kept open. */
  host?: Host;
}

/** One failed: the others get their previous version, `atATime` of them at once, since versions differ until it is done. */
export async function revertDone(targets: readonly Reverting[], atATime: number): Promise<void> {
  const failed = targets.find(isRed);
  if (!failed) return;
  // Also in a step that was cancelled: half a rollout is what revert-all is there to prevent.
  await inParallel(targets, { limit: atATime, stopped: () => false }, (target) => revertOne(target, failed.target));
}

async function revertOne(target: Reverting, failed: string): Promise<void> {
  const { done, context, page } = target;
  if (!done?.undo) return;
  context.log.line(`${failed} failed and revert-all is set: restoring the previous version.`);
  try {
    target.host ??= await done.reconnect();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    context.log.warning(
      `Not reverted, and still running the new version: it could not be reached: ${error.fields.why}`,
    );
    return;
  }
  const outcome = await done.undo(target.host);
  if (outcome.state === 'untouched') {
    context.log.line(`Not reverted: ${outcome.why}.`);
    await page.end(done.outcome.state);
    return;
  }
  const why = `${failed} failed and revert-all is set${outcome.why ? `; ${outcome.why}` : ''}`;
  const { downtimeMs, bytesSent } = done.outcome;
  done.outcome = { ...outcome, failed: 'revert-all', why, downtimeMs, bytesSent };
  await page.end(outcome.state);
  context.log.line(`finished: ${outcome.state}`);
}

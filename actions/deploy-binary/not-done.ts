import { ConnectionError, TargetError } from '../../lib/errors.ts';
import type { RolloutInputs } from '../../lib/rollout/inputs.ts';
import { isUnreachable } from '../../lib/ssh/failures.ts';
import { asUntouched } from './report.ts';
import type { NotDone } from './report-several.ts';

/** Notes why nothing was changed on a target. Throws an error that no target is to blame for: the source, an input. */
export function noteFailure(target: NotDone, error: unknown, { unreachable }: RolloutInputs): 'unreachable' | 'failed' {
  if (!(error instanceof ConnectionError || error instanceof TargetError)) throw error;
  target.failure = asUntouched(error);
  target.isSkipped = unreachable === 'skip' && isUnreachable(error);
  return isUnreachable(error) ? 'unreachable' : 'failed';
}

/** Marks the targets that a rollout did not start. */
export function markSkipped(targets: readonly (NotDone & { done?: unknown })[], because: string | undefined): void {
  for (const target of targets) if (!target.done && !target.failure) target.skipped = because ?? 'the rollout ended';
}

import type { Status } from '../../lib/forge/status.ts';
import { short } from '../../lib/values.ts';
import { isGreen } from './report.ts';
import type { Ended } from './report-several.ts';

/** The commit status of a target, in words of ours; undefined while it is not known. */
export function statusOf({ done, failure, isSkipped, skipped }: Ended): Status | undefined {
  if (done) {
    const { state } = done.outcome;
    return { state: isGreen(state) ? 'success' : 'failure', description: `${state} (${short(done.plan.file.sha256)})` };
  }
  if (failure)
    return isSkipped
      ? { state: 'error', description: 'skipped, because it could not be reached' }
      : { state: 'failure', description: 'untouched: the deploy was refused or failed before any change' };
  return skipped === undefined ? undefined : { state: 'error', description: 'not started' };
}

import type { Deploy } from './deployment.ts';
import type { DeployInputs } from './inputs.ts';

/** Both ends give an upload up when no byte has moved for this long. */
export const STALL_SECONDS = 30;

const SLOWEST_BYTES_PER_SECOND = 50_000;

/** Seconds the upload may take in all. */
export function uploadLimitSeconds(bytes: number): number {
  return 120 + Math.ceil(bytes / SLOWEST_BYTES_PER_SECOND);
}

/** Seconds within which a transaction finishes on its own, a rollback included. */
export function transactionLimitSeconds({ stopTimeoutSeconds, health }: DeployInputs): number {
  // What depends on a unit has as long again to be up.
  const once = stopTimeoutSeconds + 30 + 2 * health.timeoutSeconds + 10 + health.stableSeconds + 10;
  return 2 * once + 60;
}

/** The same, waiting for the other parts of its release included. */
export function limitSecondsOf({ inputs, membership }: Pick<Deploy, 'inputs' | 'membership'>): number {
  return transactionLimitSeconds(inputs) + 2 * (membership?.waitSeconds ?? 0);
}

import type { DeployInputs } from './inputs.ts';
import type { Found } from './inspect/found.ts';
import type { Outcome } from './outcome.ts';
import type { Plan } from './plan/plan.ts';

/** All that a finished deploy of one target is reported from. */
export interface DeployResult {
  target: string;
  inputs: DeployInputs;
  found: Found;
  plan: Plan;
  outcome: Outcome;
  durationMs: number;
}

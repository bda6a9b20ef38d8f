import type { Obstacle } from './obstacle.ts';
import type { UnitPlan } from './unit-plan.ts';

/** One thing that will be done, and why. */
export interface PlanStep {
  does: string;
  because: string;
}

export type Restart = 'process' | 'systemd' | 'command' | 'none';

/** What the file at the destination is to be, and where its bytes come from. */
export interface NewFile {
  from: 'upload' | 'release' | 'a copy of it' | 'in place already';
  sha256: string;
  bytes: number;
}

export interface Plan {
  kind: 'unchanged' | 'deploy' | 'refused';
  obstacles: Obstacle[];
  steps: PlanStep[];
  file: NewFile;
  owner: string;
  /** The same as `uid:gid`, or `uid` where no account has that number. */
  ownerIds: string;
  /** Whether it is the account that owns the present file, whose ACL, capabilities and set-ID bits may then pass on. */
  sameOwner: boolean;
  mode: string;
  restart: Restart;
  units: UnitPlan;
  runAs: string;
}

/** What the workflow run says of itself, for the guard against older builds. */
export interface Build {
  workflow: string;
  number: number;
}

import { randomUUID } from 'node:crypto';
import type { Log } from '../../lib/action/log.ts';
import type { Run } from '../../lib/action/run.ts';
import type { Source } from '../../lib/source.ts';
import type { Host } from '../../lib/ssh/connect.ts';
import type { Payload } from '../../lib/transfer/payload.ts';
import type { Encoding } from '../../lib/transfer/plan-transfer.ts';
import type { TargetTransfers, Transfer } from '../../lib/transfer/transfers.ts';
import type { Begun } from './book.ts';
import type { DeployInputs } from './inputs.ts';
import type { Found } from './inspect/found.ts';
import type { Plan } from './plan/plan.ts';

/** Everything one activation works with. */
export interface Deploy {
  inputs: DeployInputs;
  found: Found;
  plan: Plan;
  source: Source | undefined;
  transfers: TargetTransfers;
  run: Run;
  log: Log;
  /** Aborted when the runner ends the step. */
  signal: AbortSignal;
  /** Called once, before the first byte that may lead to a change. */
  onBegin: (begun: Omit<Begun, 'host'>) => Promise<void>;
  /** Set where it is one of several parts of a release, or where the runner has something to do before the stop. */
  membership?: Membership | undefined;
  /** Set where it is not a program. */
  kind?: PartKind | undefined;
  /** Why no delta is to be sent, where one failed before. */
  noDelta?: string | undefined;
  /** Called for each line of the answer as it comes. */
  onSay?: (key: string, value: string) => void;
  reconnect: () => Promise<Host>;
}

/** A participant's place in its release: docs/RELEASES.md. */
export interface Membership {
  release: string;
  /** Counted from 1, in the order of the parts. */
  part: number;
  /** The destinations of all participants. */
  members: readonly string[];
  first: { folder: string; name: string };
  /** The participant whose lock is taken before; undefined for the first in the global order. */
  lockAfter: number | undefined;
  /** Whether all wait, once they are staged, until the runner lets them go on. */
  waits: boolean;
  /** How long it waits for the others at each barrier. */
  waitSeconds: number;
  /** The participant that runs `daemon-reload`. */
  reloads: number | undefined;
}

/** The transaction of a part that is not a program: target/kinds/. */
export interface PartKind {
  text: string;
  values: Readonly<Record<string, string | number | undefined>>;
  /** How it travels, where it is not one file. */
  form?: (() => Form) | undefined;
  /** What a phase is called there, where a program's name for it does not fit. */
  phases: Readonly<Record<string, string>>;
  onSay?: ((key: string, value: string) => void) | undefined;
}

/** A deploy that is a release of its own, and waits for `before-command`. */
export function waitingAlone({ inputs }: Pick<Deploy, 'inputs'>): Membership | undefined {
  if (!inputs.hooks['before-command'] || inputs.strategy === 'in-place') return undefined;
  const { folder, name, destination } = inputs;
  return {
    release: randomUUID(),
    part: 1,
    members: [destination],
    first: { folder, name },
    lockAfter: undefined,
    waits: true,
    waitSeconds: inputs.hooks['before-timeout-seconds'] + 120,
    reloads: undefined,
  };
}

/** How the new file comes to the target; `copy`: of the live file, there. */
export interface Form {
  encoding: Encoding | 'none' | 'release' | 'copy';
  payload?: Payload;
  isTooSlow?: Transfer['isTooSlow'];
}

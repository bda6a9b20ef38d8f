import type { ActionContext } from '../../lib/action/action.ts';
import { prefixed } from '../../lib/action/log.ts';
import type { Source } from '../../lib/source.ts';
import type { Host } from '../../lib/ssh/connect.ts';
import type { TargetTransfers } from '../../lib/transfer/transfers.ts';
import {
  type Deploy,
  type Membership,
  transactionLimitSeconds,
  uploadLimitSeconds,
} from '../deploy-binary/activate.ts';
import type { Page } from '../deploy-binary/book.ts';
import type { DeployInputs } from '../deploy-binary/inputs.ts';
import type { Found } from '../deploy-binary/inspect/found.ts';
import { inspect } from '../deploy-binary/inspect/inspect.ts';
import { planDeploy } from '../deploy-binary/plan/decide.ts';
import type { Plan } from '../deploy-binary/plan/plan.ts';
import { deployOf } from '../deploy-binary/recovery.ts';
import type { BinaryPart } from './parts/part.ts';

/** One part of the release as it concerns one target. */
export interface PartOnTarget {
  part: BinaryPart;
  inputs: DeployInputs;
  source: Source | undefined;
  context: ActionContext;
  book: Page;
  transfers: TargetTransfers;
  host: Host;
  reconnect: () => Promise<Host>;
}

/** The same once it was inspected. */
export interface InspectedPart extends PartOnTarget {
  found: Found;
  plan: Plan;
}

/** A part with the name of it in front of its lines. */
export function namedContext(context: ActionContext, part: BinaryPart): ActionContext {
  return { ...context, log: prefixed(context.log, part.name) };
}

export async function inspectPart(part: PartOnTarget): Promise<InspectedPart> {
  const found = await inspect(part.host, part.inputs, part.source, { another: false });
  return planned({ ...part, found });
}

/** The plan; `needed` is why it takes part though nothing of it differs. */
export function planned(part: PartOnTarget & { found: Found }, needed?: string): InspectedPart {
  const { run } = part.context;
  const build = { workflow: `${run.repository} ${run.workflow}`, number: run.number };
  return { ...part, plan: planDeploy(part.inputs, part.found, { source: part.source, build, needed }) };
}

export function transactionOf(part: InspectedPart, membership?: Membership): Deploy {
  return { ...deployOf(part, part.found, part.plan), membership };
}

/** Seconds that the others may have to wait for it, at any barrier. */
export function waitSeconds({ inputs, plan }: InspectedPart): number {
  return uploadLimitSeconds(plan.file.bytes) + inputs.lockTimeoutSeconds + transactionLimitSeconds(inputs);
}

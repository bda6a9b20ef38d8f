import type { ActionContext } from '../../lib/action/action.ts';
import { prefixed } from '../../lib/action/log.ts';
import type { Source } from '../../lib/source.ts';
import type { Host } from '../../lib/ssh/connect.ts';
import type { TargetTransfers } from '../../lib/transfer/transfers.ts';
import type { Page } from '../deploy-binary/book.ts';
import type { Deploy, Membership } from '../deploy-binary/deployment.ts';
import type { DeployInputs } from '../deploy-binary/inputs.ts';
import type { Found } from '../deploy-binary/inspect/found.ts';
import { inspect } from '../deploy-binary/inspect/inspect.ts';
import { transactionLimitSeconds, uploadLimitSeconds } from '../deploy-binary/limits.ts';
import { planDeploy } from '../deploy-binary/plan/decide.ts';
import type { Plan } from '../deploy-binary/plan/plan.ts';
import { deployOf } from '../deploy-binary/recovery.ts';
import type { PlacedPart } from './kinds/as-program.ts';
import { configKind, planConfig } from './kinds/config.ts';
import { type FoundFolder, folderKind, folderTree, planFolder } from './kinds/folder.ts';
import { inspectFolder } from './kinds/inspect-folder.ts';
import { showDrift } from './kinds/show-drift.ts';
import { planUnit, unitKind } from './kinds/unit.ts';
import { hasDrifted } from './plan/drift.ts';
import type { PartSource } from './read-sources.ts';

/** One part of the release as it concerns one target. */
export interface PartOnTarget {
  part: PlacedPart;
  inputs: DeployInputs;
  source: Source | undefined;
  /** What is read of it beyond its digest. */
  read: PartSource | undefined;
  context: ActionContext;
  book: Page;
  transfers: TargetTransfers;
  host: Host;
  reconnect: () => Promise<Host>;
}

/** The same once it was inspected. */
export interface InspectedPart extends PartOnTarget {
  found: Found;
  /** What is in it, of a folder. */
  folder?: FoundFolder | undefined;
  plan: Plan;
}

/** A part with the name of it in front of its lines. */
export function namedContext(context: ActionContext, part: PlacedPart): ActionContext {
  return { ...context, log: prefixed(context.log, part.name) };
}

export async function inspectPart(one: PartOnTarget): Promise<InspectedPart> {
  const { part, host, inputs } = one;
  if (part.kind === 'folder') return planned({ ...one, ...(await inspectFolder(host, part, inputs)) });
  const found = await inspect(host, inputs, one.source, { another: false });
  // A new configuration has the mode of one, not of a program; and its service may hold the port.
  if (part.kind === 'binary') return planned({ ...one, found });
  if (hasDrifted(found)) await showDrift(host, inputs, { found, log: one.context.log });
  const mode = inputs.mode ?? (found.file ? undefined : '0644');
  return planned({ ...one, inputs: { ...inputs, mode }, found: { ...found, portHolder: undefined } });
}

/** The plan; `needed` is why it takes part though nothing of it differs. */
export function planned(one: Omit<InspectedPart, 'plan'>, needed?: string): InspectedPart {
  const { part, found, folder, read } = one;
  const { run } = one.context;
  if (part.kind === 'folder' && folder) {
    const tree = folderTree(part, folder, read?.tree ?? []);
    return { ...one, plan: planFolder(part, { found, folder }, { ...tree, needed }) };
  }
  const build = { workflow: run.series, number: run.number };
  const plan = planDeploy(one.inputs, found, { source: one.source, build, needed });
  if (part.kind === 'unit') return { ...one, plan: planUnit(part, found, plan) };
  if (part.kind !== 'config') return { ...one, plan };
  return { ...one, plan: planConfig(part, found, { plan, content: read?.content ?? Buffer.alloc(0) }) };
}

export function transactionOf(one: InspectedPart, membership?: Membership): Deploy {
  return { ...deployOf(one, one.found, one.plan), membership, kind: kindOf(one) };
}

function kindOf({ part, folder, read, context }: InspectedPart): Deploy['kind'] {
  if (part.kind === 'config') return configKind(part, context.log);
  if (part.kind === 'unit') return unitKind(part, context.log);
  if (part.kind === 'folder' && folder) return folderKind(part, folder, folderTree(part, folder, read?.tree ?? []));
  return undefined;
}

/** Seconds that the others may have to wait for it, at any barrier. */
export function waitSeconds({ inputs, plan }: InspectedPart): number {
  return uploadLimitSeconds(plan.file.bytes) + inputs.lockTimeoutSeconds + transactionLimitSeconds(inputs);
}

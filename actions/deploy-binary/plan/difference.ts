import { sameCapabilities } from '../../../lib/values.ts';
import type { DeployInputs } from '../inputs.ts';
import type { Found, SAME } from '../inspect/found.ts';
import type { Plan } from './plan.ts';
import { unitDifference } from './unit-steps.ts';

/** Why a deploy is needed; undefined when the target already matches. */
export function whatDiffers(
  inputs: DeployInputs,
  found: Found,
  plan: Omit<Plan, 'kind' | 'obstacles' | 'steps'>,
): string | undefined {
  const { file, processes } = found;
  if (!file) return 'the file does not exist yet';
  if (plan.file.from === 'upload' || plan.file.from === 'release') return 'its sha256 differs';
  if (inputs.force) return 'force is set';
  const metadata = metadataDiffers(inputs, found, plan);
  if (metadata) return metadata;
  if (plan.restart === 'none') return undefined;
  if (plan.restart === 'systemd') {
    const difference = unitDifference(plan.units, found);
    if (difference) return difference;
  } else if (processes.length === 0) return 'no process runs it';
  const left = plan.units.left.flatMap((unit) => unit.pids);
  const stale = processes.find(({ pid, live }) => !live && !left.includes(pid));
  if (stale) return `pid ${stale.pid} runs an outdated image of it`;
  if (plan.restart === 'process') {
    const foreign = processes.find(({ uid }) => uid !== found.runUid);
    if (foreign) return `pid ${foreign.pid} runs as ${foreign.user}, not ${plan.runAs}`;
    const other = processes.find(({ same }) => same !== 'yes');
    if (other) return `pid ${other.pid} was started with ${STARTED[other.same]}`;
  }
  const asked = inputs.health.url ?? inputs.health.port ?? inputs.health.command;
  return asked !== undefined && found.health !== 'ok' ? `it is not healthy: ${found.health}` : undefined;
}

const STARTED: Record<(typeof SAME)[number], string> = {
  yes: 'the same command',
  args: 'different arguments',
  folder: 'a different working directory',
  environment: 'a different environment',
};

export function metadataDiffers(
  inputs: DeployInputs,
  { file }: Found,
  plan: Pick<Plan, 'owner' | 'ownerIds' | 'sameOwner' | 'mode'>,
): string | undefined {
  if (!file) return undefined;
  // `user` alone asks for nothing of the group.
  const asWanted = inputs.owner?.includes(':') ? plan.ownerIds === file.ids : plan.sameOwner;
  if (!asWanted) return `its owner is ${file.owner}, not ${plan.owner}`;
  if (plan.mode !== file.mode) return `its mode is ${file.mode}, not ${plan.mode}`;
  if (inputs.capabilities && !sameCapabilities(inputs.capabilities, file.capabilities))
    return 'its capabilities differ';
  return undefined;
}

export function userOf(ids: string): string | undefined {
  return ids.split(':')[0];
}

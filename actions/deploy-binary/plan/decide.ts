import type { Source } from '../../../lib/source.ts';
import type { DeployInputs } from '../inputs.ts';
import type { Found } from '../inspect/found.ts';
import { metadataDiffers, userOf, whatDiffers } from './difference.ts';
import { accountObstacles } from './obstacles/account.ts';
import { fileObstacles } from './obstacles/file.ts';
import { healthObstacles } from './obstacles/health.ts';
import { hostObstacles } from './obstacles/host.ts';
import { processObstacles, restartObstacles } from './obstacles/process.ts';
import { orderObstacles, releaseObstacles } from './obstacles/release.ts';
import { inodeObstacles, roomObstacles } from './obstacles/room.ts';
import { sourceObstacles } from './obstacles/source.ts';
import { startObstacles } from './obstacles/start.ts';
import type { Build, NewFile, Plan, Restart } from './plan.ts';
import { planUnits } from './plan-units.ts';
import { steps } from './steps.ts';
import type { UnitPlan } from './unit-plan.ts';

/** Pure: inputs and what was found give what will be done, with a reason per step, or every obstacle at once. */
export function planDeploy(
  inputs: DeployInputs,
  found: Found,
  { source, build, needed }: { source: Source | undefined; build: Build; needed?: string | undefined },
): Plan {
  const release = inputs.rollbackTo ? findRelease(inputs.rollbackTo, found) : undefined;
  const owner = found.wantedOwner ?? found.file?.owner ?? found.login;
  const runAs = found.wantedRunAs ?? (owner.split(':')[0] || found.login);
  const units = planUnits(inputs, found, runAs);
  const { restart, because } = chooseRestart(inputs, units);
  const ownerIds = found.wantedIds ?? found.file?.ids ?? found.loginIds;
  const plan: Omit<Plan, 'kind' | 'obstacles' | 'steps'> = {
    file: { from: 'upload', sha256: '', bytes: 0 },
    owner,
    ownerIds,
    sameOwner: found.file !== undefined && userOf(ownerIds) === userOf(found.file.ids),
    mode: inputs.mode ?? carriedMode(found.file, ownerIds),
    restart,
    units,
    runAs,
  };
  plan.file = newFile(found, source, { release: release?.sha256, looksRight: !metadataDiffers(inputs, found, plan) });
  const obstacles = [
    ...hostObstacles(inputs, found),
    ...sourceObstacles(inputs, found, { source, restart }),
    ...fileObstacles(inputs, found),
    ...roomObstacles(inputs, found, plan.file),
    ...inodeObstacles(found),
    ...accountObstacles(found, plan),
    ...processObstacles(inputs, found, plan),
    ...restartObstacles(found, plan),
    ...units.obstacles,
    ...startObstacles(inputs, found, plan),
    ...healthObstacles(inputs, found),
    ...releaseObstacles(inputs, found, release),
    ...orderObstacles(inputs, found, build),
  ];
  if (obstacles.length > 0) return { ...plan, kind: 'refused', obstacles, steps: [] };
  const difference = whatDiffers(inputs, found, plan) ?? needed;
  if (!difference) return { ...plan, kind: 'unchanged', obstacles, steps: [] };
  return { ...plan, kind: 'deploy', obstacles, steps: steps(inputs, found, { plan, difference, because }) };
}

/**
 * The present file's mode. Its set-ID bits would lend the new owner or group to whoever set them for another; and where it has an
 * ACL, the bits of the group are those of everybody in it.
 */
function carriedMode(file: Found['file'], ownerIds: string): string {
  if (!file) return '0755';
  const [uid, gid] = file.ids.split(':');
  const [newUid, newGid] = ownerIds.split(':');
  const dropped = uid === newUid ? (newGid === undefined || gid === newGid ? 0 : 0o2000) : 0o6022;
  return (Number.parseInt(file.mode, 8) & ~dropped).toString(8).padStart(4, '0');
}

function newFile(
  found: Found,
  source: Source | undefined,
  { release, looksRight }: { release: string | undefined; looksRight: boolean },
): NewFile {
  const sha256 = source?.sha256 ?? release ?? '';
  const bytes = source?.bytes ?? 0;
  if (found.file?.sha256 !== sha256) return { from: source ? 'upload' : 'release', sha256, bytes };
  return { from: looksRight ? 'in place already' : 'a copy of it', sha256, bytes: found.file.bytes };
}

function findRelease(wanted: string, found: Found): { sha256: string } | undefined {
  if (wanted === 'previous') return found.releases[0];
  const matches = found.releases.filter(({ sha256 }) => sha256.startsWith(wanted));
  if (matches.length === 0 && found.file?.sha256.startsWith(wanted)) return { sha256: found.file.sha256 };
  return matches.length === 1 ? matches[0] : undefined;
}

function chooseRestart(inputs: DeployInputs, units: UnitPlan): { restart: Restart; because: string } {
  if (inputs.service || units.unit) return { restart: 'systemd', because: units.because };
  if (inputs.restart === 'auto') return { restart: 'process', because: 'no unit manages the program' };
  return { restart: inputs.restart, because: `restart is ${inputs.restart}` };
}

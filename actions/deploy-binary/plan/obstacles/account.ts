import type { Found } from '../../inspect/found.ts';
import type { Obstacle } from '../obstacle.ts';
import type { Plan } from '../plan.ts';

export function accountObstacles(
  found: Found,
  plan: Pick<Plan, 'owner' | 'ownerIds' | 'mode' | 'restart' | 'runAs'>,
): Obstacle[] {
  const list = found.missingUsers.map((user) => ({
    why: `there is no user ${user} on the target.`,
    remedy: 'create it on the target, or correct `owner` and `run-as`.',
  }));
  if (found.missingGroup) {
    list.push({
      why: `there is no group ${found.missingGroup} on the target.`,
      remedy: 'create it on the target, or correct `owner`.',
    });
  }
  if (plan.restart !== 'process' || list.length > 0) return list;
  const mayStart = found.asRoot || plan.runAs === found.login;
  if (!mayStart && found.sudoError === undefined) {
    list.push({
      why: `${found.login} can't start a program as ${plan.runAs}.`,
      remedy: 'allow sudo, or log in as that account.',
    });
  }
  if (isRoot(found, plan)) list.push(...rootObstacles(found, plan));
  return list;
}

function isRoot({ runUid }: Found, { runAs }: Pick<Plan, 'runAs'>): boolean {
  return runUid === '0' || isRootsName(runAs);
}

/** A program that runs as root: nobody else may decide what is executed, or where root writes. */
function rootObstacles(found: Found, plan: Pick<Plan, 'owner' | 'ownerIds' | 'mode'>): Obstacle[] {
  const list: Obstacle[] = [];
  const open = openTo(found);
  const changer = whoChanges(plan);
  if (open) {
    list.push({
      why: `root would run a file from ${open.path}, which ${open.to} can replace.`,
      remedy: 'set `run-as` to the service account, or make root the owner of the folder.',
    });
  }
  if (changer) {
    list.push({
      why: `root would run a file that ${changer} can change.`,
      remedy: 'set `run-as` to the service account, or make the file writable by root only (`owner`, `mode`).',
    });
  }
  if (found.openLog) {
    list.push({
      why: `root would write to a log in ${found.openLog.path}, where ${found.openLog.to} can link it to another file.`,
      remedy: 'set `run-as` to the service account, or choose a `log-file` in a folder that only root can change.',
    });
  }
  return list;
}

/** Rolling back starts the program as the last deploy did; as root only where nobody else can put another file in its place. */
export function lastAccount(found: Found) {
  const isSafe = found.lastRunUid !== '0' || (!openTo(found) && found.file?.ids.split(':')[0] === '0');
  return { last_run_as: isSafe ? found.lastRunAs : '', last_run_uid: isSafe ? found.lastRunUid : '' };
}

function openTo({ folder, openFolder }: Found): Found['openFolder'] {
  if (openFolder) return openFolder;
  return folder && !isRootsName(folder.owner) ? { path: folder.path, to: folder.owner } : undefined;
}

/** Who besides root may write to the new file; undefined for nobody. */
function whoChanges({ owner, ownerIds, mode }: Pick<Plan, 'owner' | 'ownerIds' | 'mode'>): string | undefined {
  const [user = '', group = ''] = owner.split(':');
  const [uid, gid] = ownerIds.split(':');
  const bits = Number.parseInt(mode, 8);
  if (uid !== '0' && !isRootsName(user)) return user;
  if (bits & 0o002) return 'everybody';
  return bits & 0o020 && gid !== '0' ? `the group ${group || gid}` : undefined;
}

function isRootsName(user: string): boolean {
  return ['root', '0'].includes(user);
}

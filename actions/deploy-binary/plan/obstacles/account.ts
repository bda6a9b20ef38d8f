import type { Found } from '../../inspect/found.ts';
import type { Obstacle } from '../obstacle.ts';
import type { Plan } from '../plan.ts';

export function accountObstacles(found: Found, plan: Pick<Plan, 'owner' | 'restart' | 'runAs'>): Obstacle[] {
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
  if (plan.runAs === 'root' && found.folder && !['root', '0'].includes(found.folder.owner)) {
    list.push({
      why: `root would run a file from ${found.folder.path}, which ${found.folder.owner} can replace.`,
      remedy: 'set `run-as` to the service account, or make root the owner of the folder.',
    });
  }
  return list;
}

import type { DeployInputs } from '../../inputs.ts';
import type { Found } from '../../inspect/found.ts';
import type { Obstacle } from '../obstacle.ts';
import type { Plan } from '../plan.ts';

/** Seen with the rights of the program's account: without them nothing is known. */
export function startObstacles(
  inputs: DeployInputs,
  found: Found,
  { restart, runAs }: Pick<Plan, 'restart' | 'runAs'>,
): Obstacle[] {
  const asked = found.missingUsers.length === 0 && (found.asRoot || runAs === found.login);
  if (restart !== 'process' || !asked) return [];
  const list: Obstacle[] = [];
  if (found.logProblem)
    list.push({
      why: `${found.logProblem}.`,
      remedy: 'create it as a regular file with the right owner, or correct `log-file`.',
    });
  if (found.directoryClosed)
    list.push({
      why: `${runAs} cannot enter the working directory ${inputs.workingDirectory ?? inputs.folder}.`,
      remedy: 'create it, give that account access, or correct `working-directory`.',
    });
  return list;
}

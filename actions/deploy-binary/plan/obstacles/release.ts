import type { DeployInputs } from '../../inputs.ts';
import type { Found } from '../../inspect/found.ts';
import type { Obstacle } from '../obstacle.ts';
import type { Build } from '../plan.ts';

export function releaseObstacles(
  { rollbackTo }: DeployInputs,
  found: Found,
  release: { sha256: string } | undefined,
): Obstacle[] {
  if (!rollbackTo || release) return [];
  const kept = found.releases.map(({ sha256 }) => sha256.slice(0, 12)).join(', ') || 'none';
  const ambiguous = found.releases.filter(({ sha256 }) => sha256.startsWith(rollbackTo)).length > 1;
  return [
    {
      why: `${ambiguous ? 'more than one kept release matches' : 'no kept release matches'} ${rollbackTo}; available: ${kept}.`,
      remedy: 'choose one of those, or deploy the version from its source.',
    },
  ];
}

export function orderObstacles({ allowOlder, rollbackTo }: DeployInputs, { live }: Found, build: Build): Obstacle[] {
  if (allowOlder || rollbackTo || !live || live.workflow !== build.workflow || live.runNumber <= build.number)
    return [];
  return [
    {
      why: `run ${live.runNumber} of this workflow is already deployed (${live.run}); this is the older run ${build.number}.`,
      remedy:
        'nothing, if the newer build should stay; otherwise, or if the run numbers of this workflow restarted (its repository was created anew), set `allow-older: true` for this run.',
    },
  ];
}

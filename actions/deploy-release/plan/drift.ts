import { short } from '../../../lib/values.ts';
import type { Found } from '../../deploy-binary/inspect/found.ts';
import type { Obstacle } from '../../deploy-binary/plan/obstacle.ts';

/** Whether what is live is not what the last deploy put there. What no deploy put there has not drifted. */
export function hasDrifted({ live, file }: Pick<Found, 'live' | 'file'>): boolean {
  return live?.sha256 !== undefined && file !== undefined && file.sha256 !== live.sha256;
}

/** A file or folder that somebody edited on the target is not overwritten in silence. */
export function driftObstacles(
  { destination, overwriteDrift }: { destination: string; overwriteDrift: boolean },
  found: Pick<Found, 'live' | 'file'>,
): Obstacle[] {
  if (overwriteDrift || !hasDrifted(found)) return [];
  const [now, then] = [short(found.file?.sha256 ?? ''), short(found.live?.sha256 ?? '')];
  return [
    {
      why: `${destination} was edited on the target since the last deploy (sha256 ${now}, deployed ${then}).`,
      remedy: 'take the change over into the repository, or set `overwrite-drift: true`, which keeps it as a release.',
    },
  ];
}

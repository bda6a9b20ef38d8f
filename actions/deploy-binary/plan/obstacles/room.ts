import { megabytes } from '../../../../lib/values.ts';
import type { DeployInputs } from '../../inputs.ts';
import type { Found } from '../../inspect/found.ts';
import type { Obstacle } from '../obstacle.ts';
import type { NewFile } from '../plan.ts';

export function roomObstacles({ strategy }: DeployInputs, found: Found, file: NewFile): Obstacle[] {
  if (file.from !== 'upload' || !found.folder) return [];
  // In place, the old one is kept compressed: a third of it is a cautious guess for programs.
  const needed = strategy === 'staged' ? file.bytes : file.bytes - (found.file?.bytes ?? 0) * (1 - 1 / 3);
  if (needed + RESERVE_BYTES <= found.freeBytes) return [];
  return [
    {
      why: `${megabytes(file.bytes)} needed, ${megabytes(found.freeBytes)} free on ${found.folder.mount}.`,
      remedy: strategy === 'staged' ? 'free some space there, or use `strategy: in-place`.' : 'free some space there.',
    },
  ];
}

const RESERVE_BYTES = 1_000_000;

/** For the new file, the kept one, the journal and what else a transaction writes. */
export function inodeObstacles({ folder, freeInodes }: Found): Obstacle[] {
  if (!folder || freeInodes === undefined || freeInodes >= NEEDED_INODES) return [];
  return [
    {
      why: `${NEEDED_INODES} inodes needed, ${freeInodes} free on ${folder.mount}.`,
      remedy: 'delete some files there, of any size.',
    },
  ];
}

const NEEDED_INODES = 20;

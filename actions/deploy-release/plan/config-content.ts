import { megabytes } from '../../../lib/values.ts';
import type { Obstacle } from '../../deploy-binary/plan/obstacle.ts';
import type { ConfigPart } from '../parts/part.ts';

/** What speaks against a configuration as it is: a text that must be in it is not, or it lost more of its size than it may. */
export function contentObstacles(
  part: Pick<ConfigPart, 'source' | 'destination' | 'mustContain' | 'shrinkAtMost'>,
  content: Buffer,
  liveBytes: number | undefined,
): Obstacle[] {
  const missing = part.mustContain.filter((text) => !content.includes(text));
  const found = missing.map((text) => ({
    why: `${part.source} does not contain '${text}', which must-contain requires.`,
    remedy: 'check that the file is complete, and correct `must-contain` if it is.',
  }));
  if (part.shrinkAtMost === undefined || liveBytes === undefined || liveBytes === 0) return found;
  const lostPercent = Math.round((1 - content.length / liveBytes) * 100);
  if (content.length >= liveBytes * (1 - part.shrinkAtMost / 100)) return found;
  return [
    ...found,
    {
      why: `${part.source} has ${megabytes(content.length)}, the live file ${megabytes(liveBytes)}: ${lostPercent}% less, and shrink-at-most is ${part.shrinkAtMost}%.`,
      remedy: 'check that the file is complete, and raise `shrink-at-most` if it is.',
    },
  ];
}

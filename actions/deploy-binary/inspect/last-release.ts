import type { Answer } from '../../../lib/ssh/answer.ts';
import type { LastRelease } from './found.ts';

/** Id, digest and second. */
const FORM = /^([0-9a-f-]{1,64}) ([0-9a-f]{64}|none) ([0-9]{1,12})$/;

export function lastRelease(answer: Answer): LastRelease | undefined {
  const [parts] = answer.parts('last_release', FORM, 'a release');
  if (!parts) return undefined;
  const [id = '', sha256 = '', seconds] = parts;
  return { id, sha256: sha256 === 'none' ? undefined : sha256, seconds: Number(seconds) };
}

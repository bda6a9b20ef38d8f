import { recoverMembers } from '../deploy-binary/recover-release.ts';
import { deathUnlessOutdated, finishInterrupted } from '../deploy-binary/recovery.ts';
import { type InspectedPart, transactionOf } from './part-on-target.ts';

/** Finishes or undoes what is unfinished, all parts of a release at the same time; tells whether there was anything. */
export async function recoverParts(inspected: readonly InspectedPart[]): Promise<boolean> {
  const open = inspected.filter(({ found }) => found.unfinished && !found.locked);
  const known = inspected.map(({ inputs }) => inputs.destination);
  await Promise.all(open.map((part) => finishInterrupted(part.host, transactionOf(part)).catch(deathUnlessOutdated)));
  for (const part of open) {
    const { unfinished } = part.found;
    if (unfinished) await recoverMembers(part.host, part, { unfinished, known });
  }
  return open.length > 0;
}

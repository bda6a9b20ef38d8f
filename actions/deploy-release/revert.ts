import { revert } from '../deploy-binary/activate.ts';
import { bareOutcome, DiedError, type Outcome } from '../deploy-binary/outcome.ts';
import { undoDead } from '../deploy-binary/recovery.ts';
import { type InspectedPart, transactionOf } from './part-on-target.ts';
import { memberships } from './transact.ts';

/** Restores what a finished release has replaced: stopped in reverse order, started in order. */
export async function revertParts(parts: readonly InspectedPart[]): Promise<Outcome[]> {
  const members = memberships(parts, { waits: false });
  return await Promise.all(
    parts.map(async (part, at) => {
      const deploy = transactionOf(part, members[at]);
      const id = part.book.begun()?.id;
      if (!id) return bareOutcome({ state: 'unknown', failed: 'revert-all', why: 'its transaction is not known' });
      try {
        return await revert(part.host, deploy, id);
      } catch (error) {
        if (error instanceof DiedError) return await undoDead(deploy, part);
        throw error;
      }
    }),
  );
}

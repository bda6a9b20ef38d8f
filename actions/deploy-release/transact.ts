import { randomUUID } from 'node:crypto';
import { activate, type Membership } from '../deploy-binary/activate.ts';
import { bareOutcome, DeltaError, DiedError, type Outcome, OutdatedError } from '../deploy-binary/outcome.ts';
import { undoDead } from '../deploy-binary/recovery.ts';
import { type InspectedPart, transactionOf, waitSeconds } from './part-on-target.ts';
import { lockOrder } from './plan.ts';

/** How the transactions of a release finished: one outcome for each participant, or what it takes to try again. */
export type Transacted =
  | { outcomes: Outcome[] }
  | { again: 'outdated' }
  | { again: 'delta'; failed: number; why: string };

/** Runs the transactions of all participants, which agree among themselves on the target. */
export async function transact(
  parts: readonly InspectedPart[],
  noDelta: ReadonlyMap<number, string>,
): Promise<Transacted> {
  const members = memberships(parts);
  const settled = await Promise.allSettled(parts.map((part, at) => runOne(part, members[at], noDelta.get(at))));
  const errors = settled.map((one) => (one.status === 'rejected' ? one.reason : undefined));
  const unexpected = errors.find((error) => error && !(error instanceof OutdatedError || error instanceof DeltaError));
  if (unexpected) throw unexpected;
  const failed = errors.findIndex((error) => error instanceof DeltaError);
  if (failed >= 0) return { again: 'delta', failed, why: errors[failed].message };
  if (errors.some((error) => error instanceof OutdatedError)) return { again: 'outdated' };
  return {
    outcomes: settled.map((one) => (one.status === 'fulfilled' ? one.value : bareOutcome({ state: 'unknown' }))),
  };
}

/** A release of one participant is an ordinary deploy. */
export function memberships(parts: readonly InspectedPart[]): (Membership | undefined)[] {
  const [first] = parts;
  if (!first || parts.length === 1) return [undefined];
  const release = randomUUID();
  const members = parts.map(({ inputs }) => inputs.destination);
  const places = parts.map(({ found, inputs }, index) => ({
    index,
    path: `${found.folder?.path ?? inputs.folder}/${inputs.name}`,
  }));
  const locks = lockOrder(places);
  const all = Math.ceil(parts.reduce((seconds, part) => seconds + waitSeconds(part), 0));
  return parts.map((_, at) => ({
    release,
    part: at + 1,
    members,
    first: { folder: first.inputs.folder, name: first.inputs.name },
    lockAfter: locks[at],
    waits: false,
    waitSeconds: all,
    reloads: undefined,
  }));
}

async function runOne(part: InspectedPart, member: Membership | undefined, noDelta: string | undefined) {
  const deploy = { ...transactionOf(part, member), noDelta };
  try {
    return await activate(part.host, deploy);
  } catch (error) {
    if (error instanceof DiedError) return await undoDead(deploy, part);
    throw error;
  }
}

import { randomUUID } from 'node:crypto';
import { activate } from '../deploy-binary/activate.ts';
import type { Deploy, Membership } from '../deploy-binary/deployment.ts';
import { DeltaError, DiedError, type Outcome, OutdatedError } from '../deploy-binary/outcome.ts';
import { undoDead } from '../deploy-binary/recovery.ts';
import { afterAccepted, withBefore, withBeforeFailure } from '../deploy-binary/with-hooks.ts';
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
  const [first] = parts as [InspectedPart];
  const waits = first.inputs.hooks['before-command'] !== undefined;
  const members = memberships(parts, { waits });
  const planned = parts.map((part, at) => ({ ...transactionOf(part, members[at]), noDelta: noDelta.get(at) }));
  const { deploys, failure } = withBefore(first.host, planned);
  const settled = await Promise.allSettled(parts.map((part, at) => runOne(part, deploys[at] as Deploy)));
  const errors = settled.map((one) => (one.status === 'rejected' ? one.reason : undefined));
  const unexpected = errors.find((error) => error && !(error instanceof OutdatedError || error instanceof DeltaError));
  if (unexpected) throw unexpected;
  const failed = errors.findIndex((error) => error instanceof DeltaError);
  if (failed >= 0) return { again: 'delta', failed, why: errors[failed].message };
  if (errors.some((error) => error instanceof OutdatedError)) return { again: 'outdated' };
  const why = await failure();
  const outcomes = settled.flatMap((one) => (one.status === 'fulfilled' ? [withBeforeFailure(one.value, why)] : []));
  const [outcome, ...others] = outcomes as [Outcome];
  const accepted = outcomes.every(({ state }) => state === 'active');
  return { outcomes: [accepted ? await afterAccepted(first.host, deploys[0] as Deploy, outcome) : outcome, ...others] };
}

/** A release of one participant is an ordinary deploy. */
export function memberships(
  parts: readonly InspectedPart[],
  { waits }: { waits: boolean },
): (Membership | undefined)[] {
  const [first] = parts;
  if (!first || (parts.length === 1 && !waits)) return [undefined];
  const release = randomUUID();
  const members = parts.map(({ inputs }) => inputs.destination);
  const places = parts.map(({ found, inputs }, index) => ({
    index,
    path: `${found.folder?.path ?? inputs.folder}/${inputs.name}`,
  }));
  const locks = lockOrder(places);
  // Once all unit files are in place, one of the participants has systemd read them.
  const reloader = parts.findIndex(({ part }) => part.kind === 'unit') + 1;
  const all = Math.ceil(
    parts.reduce(
      (seconds, part) => seconds + waitSeconds(part),
      waits ? first.inputs.hooks['before-timeout-seconds'] : 0,
    ),
  );
  return parts.map((_, at) => ({
    release,
    part: at + 1,
    members,
    first: { folder: first.inputs.folder, name: first.inputs.name },
    lockAfter: locks[at],
    waits,
    waitSeconds: all,
    reloads: reloader > 0 ? reloader : undefined,
  }));
}

async function runOne(part: InspectedPart, deploy: Deploy): Promise<Outcome> {
  try {
    return await activate(part.host, deploy);
  } catch (error) {
    if (error instanceof DiedError) return await undoDead(deploy, part);
    throw error;
  }
}

import { AnswerError } from '../../lib/ssh/answer.ts';
import type { Host } from '../../lib/ssh/connect.ts';
import { megabytes } from '../../lib/values.ts';
import applyDelta from '../../target/programs/apply-delta.pl';
import type { Deploy, Form } from './deployment.ts';
import { learn } from './learn.ts';
import { limitSecondsOf } from './limits.ts';
import { bareOutcome, DeltaError, type Outcome, outcomeOf, unusableOutcome } from './outcome.ts';
import { type Attempt, chooseForm, lostWhy, presentFile, runDeploy, type Sending, TooSlowError } from './send.ts';
import { deployValues } from './values.ts';

/**
 * Runs the plan: one program on the target, handed over whole before anything is stopped. A delta that fails is followed by the whole
 * file, and an upload that is too slow by a faster one. Throws OutdatedError and DiedError; every other result, a lost connection
 * included, is an outcome.
 */
export async function activate(host: Host, deploy: Deploy): Promise<Outcome> {
  const sending: Sending = { bytes: 0, whole: false };
  let present = presentFile(deploy);
  for (;;) {
    try {
      return await attempt(host, deploy, { sending, form: await chooseForm(host, deploy, present) });
    } catch (error) {
      // All parts of a release start again together.
      if (error instanceof DeltaError && (deploy.membership?.members.length ?? 1) === 1) {
        deploy.log.line(`Delta failed (${error.message}); sending the whole file instead.`);
        present = { lacks: 'the first one failed' };
      } else if (error instanceof TooSlowError)
        deploy.log.line(`${error.message}; restarting the upload with a faster encoding.`);
      else throw error;
    }
  }
}

async function attempt(
  host: Host,
  deploy: Deploy,
  { sending, form }: { sending: Sending; form: Form },
): Promise<Outcome> {
  const { inputs, plan } = deploy;
  const { encoding, payload } = form;
  sending.whole = payload === undefined;
  const apply = encoding.startsWith('delta') ? applyDelta : undefined;
  const values = { ...deployValues(deploy), action: 'deploy', encoding, apply };
  await deploy.onBegin({ id: values.id, sudo: deploy.found.sudo, limitSeconds: limitSecondsOf(deploy) });
  const ran = await runDeploy(host, deploy, { values, sending, form });
  const outcome = usableOutcome(ran);
  if (!outcome && sending.failure instanceof TooSlowError) throw sending.failure;
  if (apply && !outcome && sending.failure) throw new DeltaError(sending.failure.message);
  if (outcome) return { ...outcome, bytesSent: sending.bytes };
  if (!sending.whole && inputs.strategy === 'staged') {
    return bareOutcome({
      state: 'untouched',
      failed: 'upload',
      why: `${lostWhy(ran)} before the upload (${megabytes(plan.file.bytes)}) was complete`,
      bytesSent: sending.bytes,
    });
  }
  return { ...(await learnAfter(deploy, values.id, lostWhy(ran))), bytesSent: sending.bytes };
}

/** Finishes an interrupted deploy: the previous version runs again, or the new one if it was proved. */
export function recover(host: Host, deploy: Deploy): Promise<Outcome> {
  return work(host, deploy, { action: 'recover' });
}

/** Restores what the finished deploy `id` has replaced, as it ran then. */
export function revert(host: Host, deploy: Deploy, id: string): Promise<Outcome> {
  return work(host, deploy, { action: 'revert', reverted: id });
}

/** An action on what is on the target already: nothing is sent. */
async function work(host: Host, deploy: Deploy, asked: Record<string, string>): Promise<Outcome> {
  const values = { ...deployValues(deploy), ...asked, encoding: 'none' };
  const ran = await runDeploy(host, deploy, { values, sending: { bytes: 0, whole: true } });
  return usableOutcome(ran) ?? (await learnAfter(deploy, values.id, lostWhy(ran)));
}

/** As `outcomeOf`; an answer that no program of the toolkit gives makes the state unknown. */
function usableOutcome(ran: Attempt): Outcome | undefined {
  try {
    return outcomeOf(ran);
  } catch (error) {
    if (error instanceof AnswerError) return unusableOutcome(error);
    throw error;
  }
}

function learnAfter(deploy: Deploy, id: string, lost: string): Promise<Outcome> {
  deploy.log.line(`Connection lost: ${lost}. The transaction continues on the target; reconnecting to follow it.`);
  return learn({ ...deploy, sudo: deploy.found.sudo, limitSeconds: limitSecondsOf(deploy) }, id);
}

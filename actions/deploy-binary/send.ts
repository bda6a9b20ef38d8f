import type { Log } from '../../lib/action/log.ts';
import { Failure } from '../../lib/errors.ts';
import { hiding } from '../../lib/secrets.ts';
import type { Host } from '../../lib/ssh/connect.ts';
import { type Ran, runProgram } from '../../lib/ssh/run.ts';
import { upload } from '../../lib/ssh/upload.ts';
import { PayloadError } from '../../lib/transfer/payload.ts';
import type { Receiver } from '../../lib/transfer/transfers.ts';
import { megabytes } from '../../lib/values.ts';
import program from '../../target/programs/deploy.sh';
import type { Deploy, Form } from './deployment.ts';
import { limitSecondsOf, STALL_SECONDS, uploadLimitSeconds } from './limits.ts';
import { tellPhases } from './phases.ts';

export async function runDeploy(
  host: Host,
  deploy: Deploy,
  { values, sending, form }: { values: Record<string, string | number | undefined>; sending: Sending; form?: Form },
): Promise<Attempt> {
  const { inputs, found, plan, transfers, log, signal, membership, onSay, kind } = deploy;
  sending.failure = undefined;
  const tell = tellPhases(log, inputs, { isDeploy: values.action === 'deploy', others: kind?.phases });
  try {
    return await runProgram(
      host,
      { text: kind?.text ?? program, values },
      {
        sudo: found.sudo,
        what: `Activating ${inputs.destination}`,
        limitSeconds: uploadLimitSeconds(plan.file.bytes) + inputs.lockTimeoutSeconds + limitSecondsOf(deploy),
        signal,
        clean: hiding(inputs.environment, inputs.health),
        onSay: (key, value) => {
          onSay?.(key, value);
          kind?.onSay?.(key, value);
          tell(key, value);
        },
        payload: async (stdin) => {
          if (!form?.payload) {
            stdin.end();
            return;
          }
          // In-place the service is down meanwhile; and the lock has to come free again.
          const mayBeginAgain = inputs.strategy === 'staged' && inputs.lockTimeoutSeconds >= 5 && !membership;
          const before = sending.bytes;
          const tellSent = tellProgress(log);
          const onProgress = (bytes: number, bytesPerSecond: number | undefined) => {
            sending.bytes = before + bytes;
            tellSent(bytes);
            if (!mayBeginAgain || !bytesPerSecond || !form.isTooSlow?.(bytes, bytesPerSecond)) return;
            throw new TooSlowError(`The link carries ${megabytes(bytesPerSecond)}/s`);
          };
          try {
            const sent = await upload(form.payload.read(), stdin, { stallSeconds: STALL_SECONDS, onProgress });
            sending.whole = true;
            await transfers.measured(sent.bytesPerSecond);
          } catch (error) {
            if (error instanceof PayloadError || error instanceof TooSlowError) sending.failure = error;
            throw error;
          }
        },
      },
    );
  } catch (error) {
    return { error: error as Error };
  }
}

/** Where the new file's bytes come from, and in which form they are sent; logs both. */
export async function chooseForm(
  host: Host,
  { plan, found, source, transfers, log, kind }: Deploy,
  present: Receiver['present'],
): Promise<Form> {
  if (kind?.form) return kind.form();
  if (plan.file.from === 'release') return { encoding: 'release' };
  if (plan.file.from === 'a copy of it') return { encoding: 'copy' };
  if (plan.file.from === 'in place already' || !source) return { encoding: 'none' };
  const [near, roundTripMs] = [host.isNear(), host.roundTripMs()];
  const transfer = await transfers.choose(source, {
    near,
    roundTripMs,
    tools: found.tools,
    present,
  });
  log.phase('transfer', transfer.why);
  return transfer;
}

export function lostWhy({ error }: Attempt): string {
  return error instanceof Failure ? error.fields.why.replace(/\.$/, '') : (error?.message ?? 'the connection was lost');
}

export function presentFile({ found: { file }, inputs, noDelta }: Deploy): Receiver['present'] {
  if (noDelta) return { lacks: noDelta };
  if (!file?.sha256) return { lacks: 'there is no file yet' };
  return inputs.strategy === 'in-place' ? { lacks: 'in-place removes the present file first' } : file;
}

function tellProgress(log: Log) {
  let toldAt = Date.now();
  let pauseMs = 2000;
  return (bytes: number) => {
    if (Date.now() - toldAt < pauseMs) return;
    toldAt = Date.now();
    pauseMs = Math.min(2 * pauseMs, 30_000);
    log.phase('upload', `${megabytes(bytes)} sent`);
  };
}

export interface Sending {
  bytes: number;
  /** Set once all is handed to the connection, its end included: from then on the target may go on alone. */
  whole: boolean;
  /** Why the runner stopped it: the bytes could not be made, or another form is faster. */
  failure?: PayloadError | TooSlowError | undefined;
}

/** This upload would take much longer than another one: what was seen of the link. */
export class TooSlowError extends Error {}

/** What became of the program: its answer, or the error that ended the connection to it. */
export type Attempt = Partial<Ran> & { error?: Error };

import { randomUUID } from 'node:crypto';
import type { Log } from '../../lib/action/log.ts';
import type { Run } from '../../lib/action/run.ts';
import { Failure } from '../../lib/errors.ts';
import { hiding } from '../../lib/secrets.ts';
import type { Source } from '../../lib/source.ts';
import { AnswerError } from '../../lib/ssh/answer.ts';
import type { Host } from '../../lib/ssh/connect.ts';
import { type Ran, runProgram } from '../../lib/ssh/run.ts';
import { upload } from '../../lib/ssh/upload.ts';
import { type Payload, PayloadError } from '../../lib/transfer/payload.ts';
import type { Encoding } from '../../lib/transfer/plan-transfer.ts';
import type { Receiver, TargetTransfers, Transfer } from '../../lib/transfer/transfers.ts';
import { megabytes } from '../../lib/values.ts';
import applyDelta from '../../target/programs/apply-delta.pl';
import program from '../../target/programs/deploy.sh';
import type { Begun } from './book.ts';
import type { DeployInputs } from './inputs.ts';
import type { Found } from './inspect/found.ts';
import { healthValues, words } from './inspect/inspect.ts';
import { learn } from './learn.ts';
import { bareOutcome, DeltaError, type Outcome, outcomeOf, unusableOutcome } from './outcome.ts';
import { tellPhases } from './phases.ts';
import { lastAccount } from './plan/obstacles/account.ts';
import type { Plan } from './plan/plan.ts';
import { startedFirst, startsAlone } from './plan/plan-units.ts';

/** Everything one activation works with. */
export interface Deploy {
  inputs: DeployInputs;
  found: Found;
  plan: Plan;
  source: Source | undefined;
  transfers: TargetTransfers;
  run: Run;
  log: Log;
  /** Aborted when the runner ends the step. */
  signal: AbortSignal;
  /** Called once, before the first byte that may lead to a change. */
  onBegin: (begun: Omit<Begun, 'host'>) => Promise<void>;
  /** Set where it is one of several parts of a release, or where the runner has something to do before the stop. */
  membership?: Membership | undefined;
  /** Set where it is not a program. */
  kind?: PartKind | undefined;
  /** Why no delta is to be sent, where one failed before. */
  noDelta?: string | undefined;
  /** Called for each line of the answer as it comes. */
  onSay?: (key: string, value: string) => void;
  reconnect: () => Promise<Host>;
}

/** A deploy that is a release of its own, and waits for `before-command`. */
export function waitingAlone({ inputs }: Pick<Deploy, 'inputs'>): Membership | undefined {
  if (!inputs.hooks['before-command'] || inputs.strategy === 'in-place') return undefined;
  const { folder, name, destination } = inputs;
  return {
    release: randomUUID(),
    part: 1,
    members: [destination],
    first: { folder, name },
    lockAfter: undefined,
    waits: true,
    waitSeconds: inputs.hooks['before-timeout-seconds'] + 120,
    reloads: undefined,
  };
}

/** The transaction of a part that is not a program: target/kinds/. */
export interface PartKind {
  text: string;
  values: Readonly<Record<string, string | number | undefined>>;
  /** How it travels, where it is not one file. */
  form?: (() => Form) | undefined;
  /** What a phase is called there, where a program's name for it does not fit. */
  phases: Readonly<Record<string, string>>;
  onSay?: ((key: string, value: string) => void) | undefined;
}

/** A participant's place in its release: docs/RELEASES.md. */
export interface Membership {
  release: string;
  /** Counted from 1, in the order of the parts. */
  part: number;
  /** The destinations of all participants. */
  members: readonly string[];
  first: { folder: string; name: string };
  /** The participant whose lock is taken before; undefined for the first in the global order. */
  lockAfter: number | undefined;
  /** Whether all wait, once they are staged, until the runner lets them go on. */
  waits: boolean;
  /** How long it waits for the others at each barrier. */
  waitSeconds: number;
  /** The participant that runs `daemon-reload`. */
  reloads: number | undefined;
}

/** Without a byte moving for so long both ends give the upload up. */
const STALL_SECONDS = 30;
const SLOWEST_BYTES_PER_SECOND = 50_000;

/**
 * Carries the plan out: one program on the target, handed over whole before anything is stopped. A delta that comes to nothing is
 * followed by the whole file; so is an upload that is too slow by another one. Throws OutdatedError and DiedError; every other
 * end, a lost connection included, is an outcome.
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

/** Ends what an interrupted deploy left half done: the previous version runs again, or the new one if it was proved. */
export function recover(host: Host, deploy: Deploy): Promise<Outcome> {
  return work(host, deploy, { action: 'recover' });
}

/** Puts back what the finished deploy `id` has replaced, as it ran then. */
export function revert(host: Host, deploy: Deploy, id: string): Promise<Outcome> {
  return work(host, deploy, { action: 'revert', reverted: id });
}

/** An action on what is on the target already: nothing is sent. */
async function work(host: Host, deploy: Deploy, asked: Record<string, string>): Promise<Outcome> {
  const values = { ...deployValues(deploy), ...asked, encoding: 'none' };
  const ran = await runDeploy(host, deploy, { values, sending: { bytes: 0, whole: true } });
  return usableOutcome(ran) ?? (await learnAfter(deploy, values.id, lostWhy(ran)));
}

/** As `outcomeOf`; what a target says that no program of ours does makes the end unknown. */
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

interface Sending {
  bytes: number;
  /** Set once all is handed to the connection, its end included: from then on the target may go on alone. */
  whole: boolean;
  /** Why the runner ended it: the bytes could not be made, or another way ends sooner. */
  failure?: PayloadError | TooSlowError | undefined;
}

/** This upload would take much longer than another one: what was seen of the link. */
class TooSlowError extends Error {}

/** How the new file comes to the target; `copy`: of the live file, there. */
export interface Form {
  encoding: Encoding | 'none' | 'release' | 'copy';
  payload?: Payload;
  isTooSlow?: Transfer['isTooSlow'];
}

/** What became of the program: its answer, or the error that ended the connection to it. */
type Attempt = Partial<Ran> & { error?: Error };

async function runDeploy(
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

function lostWhy({ error }: Attempt): string {
  return error instanceof Failure ? error.fields.why.replace(/\.$/, '') : (error?.message ?? 'the connection was lost');
}

/** Where the new file's bytes come from, and in which form they travel; says so in the log. */
async function chooseForm(
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

function presentFile({ found: { file }, inputs, noDelta }: Deploy): Receiver['present'] {
  if (noDelta) return { lacks: noDelta };
  if (!file?.sha256) return { lacks: 'there is no file yet' };
  return inputs.strategy === 'in-place' ? { lacks: 'in-place removes the present file first' } : file;
}

/** Seconds the upload may take in all. */
export function uploadLimitSeconds(bytes: number): number {
  return 120 + Math.ceil(bytes / SLOWEST_BYTES_PER_SECOND);
}

/** Seconds within which a transaction ends by itself, going back included. */
export function transactionLimitSeconds({ stopTimeoutSeconds, health }: DeployInputs): number {
  // What depends on a unit has as long again to be up.
  const once = stopTimeoutSeconds + 30 + 2 * health.timeoutSeconds + 10 + health.stableSeconds + 10;
  return 2 * once + 60;
}

/** The same, waiting for the other parts of its release included. */
export function limitSecondsOf({ inputs, membership }: Pick<Deploy, 'inputs' | 'membership'>): number {
  return transactionLimitSeconds(inputs) + 2 * (membership?.waitSeconds ?? 0);
}

/** The values that both deploy and recovery take. */
export function deployValues(deploy: Deploy) {
  const { inputs, found, plan, run } = deploy;
  return {
    id: randomUUID(),
    folder: inputs.folder,
    name: inputs.name,
    run: run.url || 'a run outside a workflow',
    actor: run.actor,
    workflow: run.series,
    run_number: run.number,
    seen: found.seen,
    size: plan.file.bytes,
    sha256: plan.file.sha256,
    old_sha: found.file?.sha256,
    old_about: found.file ? `${found.file.ids} ${found.file.mode}` : '',
    old_capabilities: found.file?.capabilities,
    owner: plan.ownerIds,
    same_owner: plan.sameOwner ? 'yes' : '',
    mode: plan.mode,
    capabilities: inputs.capabilities,
    strategy: inputs.strategy,
    restart: plan.restart,
    ...unitValues(deploy),
    stop_command: inputs.stopCommand,
    start_command: inputs.startCommand,
    stop_signal: inputs.stopSignal,
    stop_timeout_seconds: inputs.stopTimeoutSeconds,
    run_as: plan.runAs,
    run_uid: found.runUid,
    accounts: found.accounts,
    ...lastAccount(found),
    args: words(inputs.args),
    environment: words(inputs.environment),
    working_directory: inputs.workingDirectory ?? inputs.folder,
    log_file: inputs.logFile,
    ...healthValues(inputs),
    health_timeout_seconds: inputs.health.timeoutSeconds,
    stable_cs: Math.round(inputs.health.stableSeconds * 100),
    stable_seconds: inputs.health.stableSeconds,
    rollback: String(inputs.rollback),
    keep_releases: inputs.keepReleases,
    lock_timeout_seconds: inputs.lockTimeoutSeconds,
    upload_limit_seconds: uploadLimitSeconds(plan.file.bytes),
    silence_seconds: STALL_SECONDS,
    limit_seconds: limitSecondsOf(deploy),
    session_kills: found.sessionKills ? 'yes' : '',
    ...membershipValues(deploy.membership),
    ...deploy.kind?.values,
  };
}

/** Empty for a deploy that is a release of its own. */
function membershipValues(member: Membership | undefined) {
  return {
    release: member?.release,
    part: member?.part,
    parts: member?.members.length,
    first_folder: member?.first.folder,
    first_name: member?.first.name,
    lock_after: member?.lockAfter,
    members: member?.members.join('\n'),
    waits: member?.waits ? 'yes' : '',
    wait_seconds: member?.waitSeconds ?? 60,
    reloads: member?.reloads,
  };
}

function unitValues({ inputs, plan }: Deploy) {
  const { units } = plan;
  const names = (list: readonly { name: string }[]) => list.map(({ name }) => name).join(' ');
  const alone = startsAlone(units);
  return {
    unit: units.unit,
    unit_user: units.user,
    units: names(units.units),
    restarted_units: names(units.restarted),
    left_units: names(units.left),
    dependents: names(units.dependents),
    // What must be afterwards as it is before the stop.
    watched_units: names([...units.triggers, ...units.wanted]),
    start_alone: alone ? 'yes' : '',
    start_first: alone ? names(startedFirst(units)) : '',
    daemon_reload: inputs.daemonReload && units.unit !== '' ? 'yes' : '',
  };
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

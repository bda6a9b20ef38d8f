import { randomUUID } from 'node:crypto';
import type { Log } from '../../lib/action/log.ts';
import type { Run } from '../../lib/action/run.ts';
import { ConnectionError, type TargetState } from '../../lib/errors.ts';
import type { Source } from '../../lib/source.ts';
import type { Host } from '../../lib/ssh/connect.ts';
import { type Ran, runProgram, type Said, saidAll, saidOnce } from '../../lib/ssh/run.ts';
import { canEncode, type Encoding, upload } from '../../lib/ssh/upload.ts';
import { megabytes } from '../../lib/values.ts';
import type { DeployInputs } from './inputs.ts';
import { type Found, healthValues, words } from './inspect.ts';
import { learn } from './learn.ts';
import type { Begun } from './look-after.ts';
import type { Plan } from './plan.ts';
import program from './remote/deploy.sh';

/** How the target was left, and what is known of it. */
export interface Outcome {
  state: TargetState;
  /** The phase that failed, and why; empty on success. */
  failed: string;
  why: string;
  /** What the new program said before it failed. */
  output: string;
  /** Why going back failed too; empty unless the state is `broken`. */
  broken: string;
  /** The process that runs now, if it is known. */
  pid: number | undefined;
  downtimeMs: number | undefined;
  bytesSent: number;
  phases: { phase: string; afterMs: number }[];
}

/** Everything one activation works with. */
export interface Deploy {
  inputs: DeployInputs;
  found: Found;
  plan: Plan;
  source: Source | undefined;
  run: Run;
  log: Log;
  /** Aborted when the runner ends the step. */
  signal: AbortSignal;
  /** Called once, before the first byte that may lead to a change. */
  onBegin: (begun: Begun) => Promise<void>;
  reconnect: () => Promise<Host>;
}

/** The target has changed between the look at it and the lock: look again. */
export class OutdatedError extends Error {}

/** The transaction died on the target, killed from outside; a recovery can finish it. */
export class DiedError extends Error {}

const STALL_SECONDS = 30;
const SLOWEST_BYTES_PER_SECOND = 50_000;

/**
 * Carries the plan out: one program on the target, handed over whole before anything is stopped.
 * Throws OutdatedError and DiedError; every other end, a lost connection included, is an outcome.
 */
export async function activate(host: Host, deploy: Deploy): Promise<Outcome> {
  const { inputs, plan } = deploy;
  const encoding = chooseEncoding(host, deploy);
  const sending = { bytes: 0, whole: !isEncoding(encoding) };
  const values = { ...deployValues(deploy), action: 'deploy', encoding };
  await deploy.onBegin({ id: values.id, sudo: deploy.found.sudo, limitSeconds: transactionLimitSeconds(inputs) });
  const ran = await runDeploy(host, deploy, { values, sending, encoding });
  const outcome = outcomeOf(ran);
  if (outcome) return { ...outcome, bytesSent: sending.bytes };
  if (!sending.whole && inputs.strategy === 'staged') {
    return {
      ...NOTHING,
      state: 'untouched',
      failed: 'upload',
      why: `${lostWhy(ran)} before the upload of ${megabytes(plan.file.bytes)} was whole`,
      bytesSent: sending.bytes,
    };
  }
  return { ...(await learnAfter(deploy, values.id, lostWhy(ran))), bytesSent: sending.bytes };
}

/** Ends what an interrupted deploy left half done: the previous version runs again, or the new one if it was proved. */
export async function recover(host: Host, deploy: Deploy): Promise<Outcome> {
  const values = { ...deployValues(deploy), action: 'recover', encoding: 'none' };
  const ran = await runDeploy(host, deploy, { values, sending: { bytes: 0, whole: true }, encoding: 'none' });
  return outcomeOf(ran) ?? (await learnAfter(deploy, values.id, lostWhy(ran)));
}

function learnAfter(deploy: Deploy, id: string, lost: string): Promise<Outcome> {
  deploy.log.line(
    `Lost the target: ${lost}. The transaction goes on there by itself; connecting again to learn its end.`,
  );
  return learn({ ...deploy, sudo: deploy.found.sudo, limitSeconds: transactionLimitSeconds(deploy.inputs) }, id);
}

const NOTHING: Outcome = {
  state: 'unknown',
  failed: '',
  why: '',
  output: '',
  broken: '',
  pid: undefined,
  downtimeMs: undefined,
  bytesSent: 0,
  phases: [],
};

interface Sending {
  bytes: number;
  /** Set once all is handed to the connection, its end included: from then on the target may go on alone. */
  whole: boolean;
}

/** `copy`: of the live file, on the target. */
type Transfer = Encoding | 'none' | 'release' | 'copy';

/** What became of the program: its answer, or the error that ended the connection to it. */
type Attempt = Partial<Ran> & { error?: Error };

async function runDeploy(
  host: Host,
  { inputs, found, plan, source, log, signal }: Deploy,
  {
    values,
    sending,
    encoding,
  }: { values: Record<string, string | number | undefined>; sending: Sending; encoding: Transfer },
): Promise<Attempt> {
  try {
    return await runProgram(
      host,
      { text: program, values },
      {
        sudo: found.sudo,
        what: `Activating ${inputs.destination}`,
        limitSeconds: uploadLimitSeconds(plan.file.bytes) + inputs.lockTimeoutSeconds + transactionLimitSeconds(inputs),
        signal,
        onSay: tellPhases(log),
        payload: async (stdin) => {
          if (!source || !isEncoding(encoding)) {
            stdin.end();
            return;
          }
          sending.bytes = await upload(
            { ...source, encoding, stallSeconds: STALL_SECONDS, onProgress: tellProgress(log, source.bytes) },
            stdin,
          );
          sending.whole = true;
        },
      },
    );
  } catch (error) {
    return { error: error as Error };
  }
}

function lostWhy({ error }: Attempt): string {
  return error instanceof ConnectionError
    ? error.fields.why.replace(/\.$/, '')
    : (error?.message ?? 'the connection was lost');
}

/** The outcome a program told; undefined when its last word is missing. Shared with learn.ts, which asks later. */
export function outcomeOf({ said = [], complete = false }: Attempt): Outcome | undefined {
  if (!complete) return undefined;
  const gaveUp = saidOnce(said, 'gave_up');
  if (gaveUp === 'changed') throw new OutdatedError();
  if (gaveUp !== undefined) {
    const why = saidOnce(said, 'why') ?? '';
    const locked = `another deploy of it holds the lock: ${why}`;
    return {
      ...NOTHING,
      state: saidOnce(said, 'staged') ? 'staged' : 'untouched',
      failed: gaveUp === 'locked' ? 'lock' : 'stage',
      why: gaveUp === 'locked' ? locked : why,
    };
  }
  if (saidOnce(said, 'died') !== undefined) throw new DiedError();
  const state = saidOnce(said, 'state');
  if (state === undefined) return undefined;
  return {
    state: state as TargetState,
    failed: saidOnce(said, 'failed') ?? '',
    why: saidOnce(said, 'why') ?? '',
    output: saidAll(said, 'output').join('\n'),
    broken: saidOnce(said, 'broken') ?? '',
    pid: Number(saidOnce(said, 'pid')) || undefined,
    downtimeMs: saidOnce(said, 'downtime_ms') === undefined ? undefined : Number(saidOnce(said, 'downtime_ms')),
    bytesSent: 0,
    phases: phasesOf(said),
  };
}

function phasesOf(said: Said): Outcome['phases'] {
  return saidAll(said, 'phase').map((text) => {
    const [phase = '', centiseconds = '0'] = text.split(' ');
    return { phase, afterMs: Number(centiseconds) * 10 };
  });
}

function isEncoding(transfer: Transfer): transfer is Encoding {
  return transfer === 'plain' || transfer === 'gzip' || transfer === 'zstd';
}

/** On loopback bytes move faster than any compressor makes fewer of them. */
function chooseEncoding(host: Host, { plan, found }: Deploy): Transfer {
  if (plan.file.from === 'in place already') return 'none';
  if (plan.file.from === 'release') return 'release';
  if (plan.file.from === 'a copy of it') return 'copy';
  if (host.isNear() || plan.file.bytes < 16_384) return 'plain';
  if (found.tools.has('zstd') && canEncode('zstd')) return 'zstd';
  return found.tools.has('gzip') ? 'gzip' : 'plain';
}

/** Seconds the upload may take in all. */
export function uploadLimitSeconds(bytes: number): number {
  return 120 + Math.ceil(bytes / SLOWEST_BYTES_PER_SECOND);
}

/** Seconds within which a transaction ends by itself, going back included. */
export function transactionLimitSeconds({ stopTimeoutSeconds, health }: DeployInputs): number {
  const once = stopTimeoutSeconds + 20 + health.timeoutSeconds + 10 + health.stableSeconds + 10;
  return 2 * once + 60;
}

/** The values that both deploy and recovery take. */
export function deployValues({ inputs, found, plan, run }: Deploy) {
  return {
    id: randomUUID(),
    folder: inputs.folder,
    name: inputs.name,
    run: run.url || 'a run outside a workflow',
    actor: run.actor,
    workflow: `${run.repository} ${run.workflow}`,
    run_number: run.number,
    seen: found.seen,
    size: plan.file.bytes,
    sha256: plan.file.sha256,
    old_sha: found.file?.sha256,
    old_about: found.file ? `${found.file.owner} ${found.file.mode}` : '',
    old_capabilities: found.file?.capabilities,
    owner: plan.owner.includes(':') ? plan.owner : `${plan.owner}:`,
    mode: plan.mode,
    capabilities: inputs.capabilities,
    strategy: inputs.strategy,
    restart: plan.restart,
    unit: plan.unit,
    unit_user: plan.unitUser,
    stop_command: inputs.stopCommand,
    start_command: inputs.startCommand,
    stop_signal: inputs.stopSignal,
    stop_timeout_seconds: inputs.stopTimeoutSeconds,
    run_as: plan.runAs,
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
    limit_seconds: transactionLimitSeconds(inputs),
    session_kills: found.sessionKills ? 'yes' : '',
  };
}

const PHASES: Record<string, string> = {
  staged: 'the new file is on the target, its sha256 checked there',
  stop: 'stopping what runs the file',
  receive: 'receiving the new file',
  swap: 'replacing the file',
  start: 'starting the new version',
  stable: 'healthy; watching that it stays so',
  accept: 'the new version holds',
  rollback: 'the new version failed: going back',
  'restart-old': 'starting the previous version',
  'rollback-stable': 'the previous version is healthy; watching that it stays so',
};

/** Tells each phase in the log as it begins. */
export function tellPhases(log: Log) {
  return (key: string, value: string) => {
    const phase = key === 'phase' ? value.split(' ')[0] : key;
    if (key === 'note') log.line(`  ${value}`);
    if ((key === 'phase' || key === 'staged') && phase && PHASES[phase]) log.phase(phase, PHASES[phase]);
  };
}

function tellProgress(log: Log, total: number) {
  let told = 0;
  let toldAt = Date.now();
  return (bytes: number) => {
    const percent = Math.floor((bytes / total) * 100);
    if (bytes === total || percent < told + 10 || Date.now() - toldAt < 2000) return;
    told = percent;
    toldAt = Date.now();
    log.phase('upload', `${percent} % of ${megabytes(total)}`);
  };
}

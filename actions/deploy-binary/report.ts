import type { ActionContext } from '../../lib/action/action.ts';
import { ConnectionError, type Failure, TargetError, type TargetState } from '../../lib/errors.ts';
import { megabytes, short } from '../../lib/values.ts';
import { checksOf } from './checks.ts';
import type { DeployInputs } from './inputs.ts';
import type { Found } from './inspect/found.ts';
import type { Outcome } from './outcome.ts';
import type { Obstacle } from './plan/obstacle.ts';
import { TRUST_CERTIFICATE } from './plan/obstacles/health.ts';
import type { Plan } from './plan/plan.ts';
import type { DeployResult } from './result.ts';

/** The outputs of a step that ended before anything was changed. */
export const NOTHING_DONE = { state: 'untouched', changed: false, 'downtime-ms': 0, 'bytes-sent': 0, report: [] };

const UNTOUCHED = 'untouched. Nothing on the target was changed.';

/** A failure from before the first change, told with the state that it left: a connection knows none by itself. */
export function asUntouched(failure: ConnectionError | TargetError): Failure {
  if (failure.fields.state !== undefined) return failure;
  return new ConnectionError({ ...failure.fields, state: UNTOUCHED });
}

/** Sets the outputs, writes the table to log and summary, and throws when the state is a red one. */
export async function report(told: DeployResult, context: ActionContext): Promise<void> {
  await context.outputs({ ...scalarsOf(told), 'duration-ms': told.durationMs, report: [entryOf(told)] });
  if (told.inputs.dryRun) return;
  const rows = tableOf(told);
  context.log.line('');
  for (const [name, value] of rows) context.log.line(`  ${name.padEnd(10)}${value}`);
  context.log.line('');
  await context.summary({ title: `Deploy of ${told.inputs.name}`, head: ['', ''], rows });
  if (!isSuccess(told.outcome)) throw failureOf(told);
}

/** Whether a deploy that ended so is what was asked for. */
export function isGreen(state: TargetState): boolean {
  return state === 'active' || state === 'unchanged';
}

/** The same of an outcome: a new version that is accepted stays, also where `after-command` fails. */
export function isSuccess({ state, failed }: Pick<Outcome, 'state' | 'failed'>): boolean {
  return isGreen(state) && failed !== 'after-command';
}

export function hasChanged(state: TargetState): boolean {
  return state === 'active' || state === 'unknown';
}

/** The plan, a reason per step. */
export function planLines({ kind, steps, units }: Plan): string[] {
  if (kind === 'unchanged') return ['Plan: nothing to do. File, process and health already match.'];
  return [
    'Plan',
    ...steps.map(({ does, because }) => `  - ${does}: ${because}`),
    ...units.notes.map((note) => `  Note: ${note}`),
  ];
}

/** What was found, in a few lines. */
export function foundLines(found: Found, destination: string): string[] {
  const { file, processes, strangers, releases, unseen, history, unfinished } = found;
  const unitOf = (pid: number) => found.units.find(({ pids }) => pids.includes(pid))?.name;
  const runs = processes.map(
    ({ pid, user, live }) =>
      `pid ${pid} (${user}${unitOf(pid) ? `, unit ${unitOf(pid)}` : ''}${live ? '' : ', outdated image'})`,
  );
  return [
    ...(found.sudo ? [`Using ${found.rootTool}, because ${found.needsRoot}`] : []),
    file
      ? `Found ${destination}: sha256 ${short(file.sha256)}, ${megabytes(file.bytes)}, ${file.owner} ${file.mode}${file.capabilities ? `, ${file.capabilities}` : ''}`
      : `Found nothing at ${destination}`,
    ...(runs.length > 0 ? [`  running as ${runs.join(' and ')}`] : []),
    ...(runs.length === 0 && (file || unseen)
      ? [`  not running${unseen ? `; ${found.login} may not inspect pid ${unseen}` : ''}`]
      : []),
    ...(strangers.length > 0
      ? [`  also run by other accounts: ${strangers.map(({ pid, user }) => `pid ${pid} (${user})`).join(', ')}`]
      : []),
    ...(releases.length > 0 ? [`  kept releases: ${releases.map(({ sha256 }) => short(sha256)).join(', ')}`] : []),
    ...(unfinished ? [`  an earlier deploy (${unfinished.run}) stopped during \`${unfinished.phase}\``] : []),
    ...found.notes.map((note) => `  note: ${note}`),
    ...(history.length > 0 ? [`  last deploy: ${history.at(-1)?.replace(/\b[0-9a-f]{64}\b/g, short)}`] : []),
  ];
}

/** The failure of a plan that can't be carried out: every obstacle, the remedy of each. */
export function refusal(target: string, destination: string, obstacles: readonly Obstacle[]): TargetError {
  return new TargetError({
    what: `Preparing ${destination}`,
    where: target,
    why: obstacles.map(({ why }) => why).join('\n'),
    state: UNTOUCHED,
    remedy: obstacles.map(({ remedy }) => remedy).join('\n'),
  });
}

export function scalarsOf({ plan, found, outcome }: DeployResult) {
  return {
    state: outcome.state,
    changed: hasChanged(outcome.state),
    sha256: plan.file.sha256,
    'previous-sha256': found.file?.sha256 ?? '',
    pid: outcome.pid ?? '',
    'downtime-ms': outcome.downtimeMs ?? 0,
    'bytes-sent': outcome.bytesSent,
  };
}

export function entryOf(told: DeployResult) {
  const { plan, found, outcome, target, inputs, durationMs } = told;
  return {
    target,
    destination: inputs.destination,
    state: outcome.state,
    sha256: plan.file.sha256,
    previousSha256: found.file?.sha256 ?? '',
    pid: outcome.pid ?? null,
    downtimeMs: outcome.downtimeMs ?? null,
    bytesSent: outcome.bytesSent,
    durationMs,
    failed: outcome.failed,
    why: outcome.why,
    phases: outcome.phases,
    checks: checksOf(told),
  };
}

export function tableOf({ target, plan, found, outcome, inputs, durationMs }: DeployResult): [string, string][] {
  const before = found.file ? short(found.file.sha256) : 'nothing';
  const after = short(plan.file.sha256);
  const rows: [string, string][] = [
    ['state', outcome.state],
    ['target', target],
    ['file', inputs.destination],
    ['sha256', digests(outcome.state, before, after)],
  ];
  if (outcome.pid) rows.push(['pid', String(outcome.pid)]);
  if (outcome.downtimeMs !== undefined) rows.push(['downtime', `${outcome.downtimeMs} ms`]);
  rows.push(['sent', megabytes(outcome.bytesSent)], ['time', `${(durationMs / 1000).toFixed(1)} s`]);
  return rows;
}

/** What is there now must not be read from an arrow that was never gone. */
function digests(state: TargetState, before: string, after: string): string {
  if (before === after) return before;
  if (state === 'active') return `${before} -> ${after}`;
  if (state === 'broken' || state === 'unknown') return `was ${before}, tried ${after}`;
  return `${before} (${after} is not deployed)`;
}

const WHAT: Record<string, string> = {
  lock: 'Waiting for the lock of',
  stage: 'Staging',
  upload: 'Uploading',
  stop: 'Stopping',
  recovery: 'Recovering',
  connection: 'Following the deploy of',
};

export function failureOf({ target, inputs, found, outcome }: DeployResult): TargetError {
  return new TargetError({
    what: `${(Object.hasOwn(WHAT, outcome.failed) && WHAT[outcome.failed]) || 'Activating'} ${inputs.destination}`,
    where: target,
    why: `${outcome.why || 'no reason was given'}.`,
    state: `${outcome.state}. ${stateSentence(outcome, found, inputs)}`,
    remedy: remedyOf(outcome, inputs),
    output: outcome.output,
  });
}

function stateSentence({ state, failed, pid, broken }: Outcome, found: Found, inputs: DeployInputs): string {
  const previous = found.file ? `The previous version (sha256 ${short(found.file.sha256)})` : '';
  const sentences: Record<TargetState, string> = {
    active: 'The new version is running.',
    unchanged: 'The target already matched.',
    untouched: 'Nothing on the target was changed.',
    staged: `${stagedSentence(previous, found)}; the uploaded file was removed.`,
    'rolled-back': previous
      ? `${previous} is running again${pid ? ` as pid ${pid}` : ''}.`
      : 'There was no previous version; the new file was removed and nothing is running.',
    broken: `${capitalised(broken)}. Manual inspection of ${inputs.folder} is required.`,
    unknown:
      failed === 'answer'
        ? 'The outcome of the deploy is not known.'
        : 'The connection was lost and the outcome is not known; the target finishes the transaction on its own.',
  };
  return sentences[state];
}

function stagedSentence(previous: string, { processes }: Found): string {
  const runs = processes.length > 0;
  if (!previous) return runs ? 'The running program is unchanged' : 'There was no previous version';
  return `${previous} is unchanged${runs ? ' and still running' : ''}`;
}

function remedyOf({ state, failed, output, untrusted }: Outcome, inputs: DeployInputs): string {
  if (failed === 'answer')
    return 'log in and inspect the host: the programs of this step never answer like this, so somebody may have changed what runs there.';
  if (state === 'unknown') return 'run verify-deploy, or re-run this job: it completes or rolls back what it finds.';
  if (failed === 'recovery')
    return 'find out what kills processes there (the kernel for want of memory, a limit, a person), then re-run the job: it continues the recovery.';
  if (failed === 'before-command') return 'read what the command printed above, fix the cause, then re-run the job.';
  if (failed === 'after-command') return 'the new version stays; fix the cause, then run the command by hand.';
  if (untrusted) return TRUST_CERTIFICATE;
  if (state === 'broken') return 'log in and inspect the host; `rollback-to: previous` restores the last kept release.';
  if (failed === 'lock') return 'wait for the other deploy, or raise `lock-timeout-seconds`.';
  if (['upload', 'stage', 'swap', 'accept'].includes(failed))
    return 'check the connection and free disk space, then re-run the job.';
  if (failed === 'stop') return 'find out what keeps the program from exiting, then re-run the job.';
  if (output) return 'read the last lines of the program below, fix the cause, then re-run the job.';
  return inputs.logFile
    ? `the program logged nothing to ${inputs.logFile}; run it manually, fix the cause, then re-run the job.`
    : 'set `log-file` to see what the program prints, fix the cause, then re-run the job.';
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

import { oneLine } from '../../../lib/foreign.ts';
import { headerValues } from '../../../lib/health-headers.ts';
import { hiding } from '../../../lib/secrets.ts';
import { unitName } from '../../../lib/service/unit.ts';
import type { Source } from '../../../lib/source.ts';
import type { Answer } from '../../../lib/ssh/answer.ts';
import type { Host } from '../../../lib/ssh/connect.ts';
import { quote } from '../../../lib/ssh/program.ts';
import { notAnswered, runProgram } from '../../../lib/ssh/run.ts';
import { isPlainPath } from '../../../lib/values.ts';
import program from '../../../target/programs/inspect-deploy.sh';
import type { DeployInputs } from '../inputs.ts';
import { fileProblem, logProblem, toFile, toFolder, toFreeBytes, toOpenFolder } from './file-found.ts';
import { type Executor, type Found, type FoundEnd, type FoundProcess, SAME } from './found.ts';
import { lastRelease } from './last-release.ts';
import { toRights, toTools } from './rights.ts';
import { foundUnits, otherUserUnits } from './unit-found.ts';

const LIMIT_SECONDS = 120;

/** Looks at the target in one round trip, and reports everything at once. */
export async function inspect(
  host: Host,
  inputs: DeployInputs,
  source: Source | undefined,
  { another = !inputs.dryRun } = {},
): Promise<Found> {
  const about = { what: 'Inspecting the target', state: 'untouched. Inspection changes nothing.' };
  const clean = hiding(inputs.environment, inputs.health);
  const ran = await runProgram(
    host,
    { text: program, values: inspectValues(inputs, source) },
    { ...about, clean, sudo: false, limitSeconds: LIMIT_SECONDS, another },
  );
  if (!ran.complete) throw notAnswered(host, about, ran);
  return toFound(ran.answer, inputs);
}

function inspectValues(inputs: DeployInputs, source: Source | undefined) {
  return {
    folder: inputs.folder,
    name: inputs.name,
    sudo: inputs.sudo,
    owner: inputs.owner,
    run_as: inputs.runAs,
    capabilities: inputs.capabilities,
    restart: inputs.restart,
    stop_command: inputs.stopCommand,
    start_command: inputs.startCommand,
    service: inputs.service && unitName(inputs.service.replace(/^user:/, '')),
    service_is_user: inputs.service?.startsWith('user:') ? 'yes' : '',
    interpreter: source?.elf?.interpreter,
    args: words(inputs.args),
    environment: words(inputs.environment),
    working_directory: inputs.workingDirectory ?? inputs.folder,
    log_file: inputs.logFile,
    // Or its first digits.
    sha256: source?.sha256 ?? inputs.rollbackTo,
    ...healthValues(inputs),
  };
}

/** The inputs of the health check, as every program that asks for health takes them. */
export function healthValues({ health }: DeployInputs) {
  const url = health.url ? new URL(health.url) : undefined;
  const loopback = url && /^(localhost|127\.[\d.]+|\[::1\])$/.test(url.hostname);
  return {
    health_url: health.url,
    ...headerValues(health.url, health.headers),
    health_url_port: loopback ? url.port || (url.protocol === 'https:' ? '443' : '80') : undefined,
    health_status: health.status,
    health_contains: health.contains,
    health_port: health.port,
    health_command: health.command,
  };
}

/** A list as quoted shell words. */
export function words(list: readonly string[]): string {
  return list.map(quote).join(' ');
}

/** Reads the answer of an inspecting program. */
export function toFound(answer: Answer, inputs: DeployInputs): Found {
  return {
    otherKernel: answer.text('kernel'),
    ...toRights(answer),
    machine: answer.text('machine') ?? '',
    ...toTools(answer),
    interpreterExists: answer.yes('interpreter'),
    wantedOwner: answer.text('wanted_owner'),
    wantedIds: answer.text('wanted_ids'),
    loginIds: answer.text('login_ids') ?? '',
    wantedRunAs: answer.text('wanted_run_as'),
    missingUsers: [...new Set(answer.texts('missing_user'))],
    missingGroup: answer.text('missing_group'),
    accounts: answer.numbers('accounts'),
    runUid: answer.numbers('run_uid'),
    lastRunAs: answer.verbatim('last_run_as') ?? '',
    lastRunUid: answer.numbers('last_run_uid'),
    processes: answer.records('process').flatMap((process) => toProcess(process) ?? []),
    strangers: answer.records('stranger').flatMap((process) => toExecutor(process) ?? []),
    contained: answer.pids('contained'),
    maybe: answer.pids('maybe'),
    otherNames: answer.number('other_names') ?? 0,
    isMountPoint: answer.yes('mount_point'),
    siblings: answer
      .records('sibling')
      .map((process) => ({ pid: process.pid('pid') ?? 0, path: process.text('path') ?? '' })),
    unseen: answer.pids('unseen'),
    sessionKills: answer.yes('session_kills'),
    lingers: answer.yes('lingers'),
    folderRefused: answer.text('folder_refused'),
    folder: toFolder(answer),
    openFolder: toOpenFolder(answer.text('open_folder'), answer.text('open_to')),
    openLog: toOpenFolder(answer.text('open_log'), answer.text('open_log_to')),
    freeBytes: toFreeBytes(answer),
    freeInodes: answer.number('free_inodes'),
    immutable: answer.texts('immutable'),
    file: toFile(answer),
    fileProblem: fileProblem(answer, inputs.destination),
    seen: answer.verbatim('seen') ?? '',
    stateRefused: answer.text('state_refused'),
    unfinished: toUnfinished(answer),
    locked: answer.has('locked') ? (answer.text('locked') ?? 'an unknown run') : undefined,
    live: toLive(answer),
    releases: answer.parts('release', RELEASE, 'a sha256').map(([sha256 = '']) => ({ sha256 })),
    lastRelease: lastRelease(answer),
    ended: answer.parts('ended', END, 'the end of a transaction').map(toEnd),
    history: answer.texts('history'),
    units: foundUnits(answer),
    otherUserUnits: otherUserUnits(answer),
    userManager: answer.text('user_manager') !== 'none',
    runAsLingers: answer.yes('run_as_lingers'),
    serviceError: answer.has('service_error') ? (answer.quote('service_error') ?? '') : undefined,
    httpClient: answer.has('http_client') ? (answer.text('http_client') ?? '') : undefined,
    healthUntrusted: answer.has('health_untrusted') ? (answer.quote('health_untrusted') ?? '') : undefined,
    health: answer.quote('health'),
    portHolder: answer.text('port_holder') === 'unknown' ? 'unknown' : answer.pids('port_holder') || undefined,
    logProblem: logProblem(answer),
    logForeign: answer.yes('log_foreign'),
    notes: answer.texts('note'),
    directoryClosed: answer.yes('directory_closed'),
  };
}

/** More parts than a release may have. */
const MOST_MEMBERS = 100;
const RELEASE = /^([0-9a-f]{64})$/;
/** Id, state, pid and run. */
const END = /^([0-9a-f-]{1,64}) ([a-z-]{1,20}) ([0-9]{0,10}|-) (.*)$/s;

function toEnd([id = '', state = '', pid = '', run = '']: string[]): FoundEnd {
  return { id, state, pid: pid === '-' ? '' : pid, run: oneLine(run) };
}

/** One that ended while it was inspected has no words left. */
function toExecutor(process: Answer): Executor | undefined {
  const pid = process.pid('pid');
  if (pid === undefined) return undefined;
  return { pid, uid: process.numbers('uid'), user: process.text('user') ?? '' };
}

function toProcess(process: Answer): FoundProcess | undefined {
  const executor = toExecutor(process);
  if (!executor) return undefined;
  return {
    ...executor,
    worker: process.yes('worker'),
    live: process.yes('live'),
    same: process.oneOf('same', SAME) ?? 'args',
    supervisor: process.text('supervisor') ?? '',
    supervised: process.text('supervised') ?? '',
    supervisorPid: process.pid('supervisor_pid') ?? 0,
  };
}

function toLive(answer: Answer): Found['live'] {
  if (!answer.has('live_workflow')) return undefined;
  return {
    workflow: answer.text('live_workflow') ?? '',
    runNumber: answer.number('live_run_number') ?? 0,
    run: answer.text('live_run') ?? '',
    sha256: answer.digest('live_sha256'),
  };
}

function toUnfinished(answer: Answer): Found['unfinished'] {
  const phase = answer.text('unfinished');
  if (phase === undefined) return undefined;
  return {
    phase,
    run: answer.text('unfinished_run') ?? 'an unknown run',
    id: answer.text('unfinished_id') ?? '',
    release: answer.text('unfinished_release') ?? '',
    kind: answer.text('unfinished_kind') ?? 'binary',
    members: (answer.verbatim('unfinished_members') ?? '').split('\n').filter(isPlainPath).slice(0, MOST_MEMBERS),
  };
}

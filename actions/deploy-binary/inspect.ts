import { oneLine } from '../../lib/foreign.ts';
import { hiding } from '../../lib/secrets.ts';
import { unitName } from '../../lib/service/unit.ts';
import type { Source } from '../../lib/source.ts';
import type { Answer } from '../../lib/ssh/answer.ts';
import type { Host } from '../../lib/ssh/connect.ts';
import { quote } from '../../lib/ssh/program.ts';
import { notAnswered, runProgram } from '../../lib/ssh/run.ts';
import program from '../../target/programs/inspect-deploy.sh';
import type { DeployInputs } from './inputs.ts';
import { type FoundUnit, foundUnits, type OtherUserUnit, otherUserUnits } from './unit-found.ts';

/** Whether a process was started as this step would start it: `yes`, or what differs. */
const SAME = ['yes', 'args', 'folder', 'environment'] as const;

/** A process that executes the destination file, and the account that started it. */
export interface Executor {
  pid: number;
  uid: string;
  user: string;
}

/** One of an account whose processes can be the program. */
export interface FoundProcess extends Executor {
  /** Whether another of them started it. */
  worker: boolean;
  /** False when it still executes a deleted or replaced image. */
  live: boolean;
  same: (typeof SAME)[number];
  /** The parent that starts it again when it ends (supervisord, runit, …), empty for none. */
  supervisor: string;
  supervisorPid: number;
}

/** One release kept on the target. */
export interface FoundRelease {
  sha256: string;
}

/** How a transaction ended, as the target remembers it. */
export interface FoundEnd {
  id: string;
  state: string;
  pid: string;
  /** The run that finished it. */
  run: string;
}

/** What was seen on the target; nothing there was changed by looking. */
export interface Found {
  /** Set only when the target is no Linux system. */
  otherKernel: string | undefined;
  login: string;
  /** Whether it was seen, and will be changed, as root. */
  asRoot: boolean;
  /** Through sudo. */
  sudo: boolean;
  needsRoot: string | undefined;
  sudoError: string | undefined;
  /** The line for sudoers or doas.conf that would allow it. */
  sudoRemedy: string | undefined;
  machine: string;
  tools: ReadonlySet<string>;
  interpreterExists: boolean;
  /** `owner` and `run-as` as wanted, a number by the name it has there. */
  wantedOwner: string | undefined;
  /** The same and the login as numbers, `uid:gid`, or `uid` where no account has that number. */
  wantedIds: string | undefined;
  loginIds: string;
  wantedRunAs: string | undefined;
  missingUsers: string[];
  missingGroup: string | undefined;
  /** Numbers of the accounts whose processes can be the program: root, the login, the file's owner, run-as. */
  accounts: string;
  /** The number of the account that the plan starts it as; empty when there is no such account. */
  runUid: string;
  /** The account that the last deploy started it as, and its number; empty when it is not known. */
  lastRunAs: string;
  lastRunUid: string;
  processes: FoundProcess[];
  /** Processes of any other account that execute the file: stopped, never imitated. At most ten. */
  strangers: Executor[];
  /** Pids of those that execute it inside of a container. */
  contained: string;
  /** Pids of its name that can't be inspected, where none is seen that executes it. */
  maybe: string;
  /** How many other names the file has, outside of the state folder. */
  otherNames: number;
  isMountPoint: boolean;
  /** Processes of its name that execute another file of the folder, where none is seen that executes it. */
  siblings: { pid: number; path: string }[];
  /** Pids that may execute the file but can't be seen by this account. */
  unseen: string;
  sessionKills: boolean;
  lingers: boolean;
  folderRefused: string | undefined;
  folder:
    | { path: string; owner: string; mode: string; writable: boolean; mount: string; options: string[] }
    | undefined;
  freeBytes: number;
  /** Undefined where a file system has no limit of them. */
  freeInodes: number | undefined;
  immutable: string[];
  /** The regular file at the destination. */
  file: { owner: string; ids: string; mode: string; bytes: number; sha256: string; capabilities: string } | undefined;
  fileProblem: string | undefined;
  /** What the decisions rest on; the target compares it again under the lock. */
  seen: string;
  stateRefused: string | undefined;
  unfinished: { phase: string; run: string; id: string } | undefined;
  locked: string | undefined;
  live: { workflow: string; runNumber: number; run: string } | undefined;
  /** Newest first. */
  releases: FoundRelease[];
  /** Of the last transactions, the newest last. */
  ended: FoundEnd[];
  history: string[];
  units: FoundUnit[];
  otherUserUnits: OtherUserUnit[];
  /** Whether the account that the program runs as has a user manager of systemd, and keeps it without a login. */
  userManager: boolean;
  runAsLingers: boolean;
  serviceError: string | undefined;
  httpClient: string | undefined;
  /** Why the certificate of the health URL is refused. */
  healthUntrusted: string | undefined;
  health: string | undefined;
  portHolder: string | undefined;
  logProblem: string | undefined;
  /** It belongs to another account, and the program's account may move it aside. */
  logForeign: boolean;
  /** What the user should know, whatever is planned. */
  notes: string[];
  /** To the account the program runs as, or not there. */
  directoryClosed: boolean;
}

const LIMIT_SECONDS = 120;

/** Looks at the target in one round trip, and reports everything at once. */
export async function inspect(host: Host, inputs: DeployInputs, source: Source | undefined): Promise<Found> {
  const about = { what: 'Looking at the target', state: 'untouched. Nothing was changed by looking.' };
  const clean = hiding(inputs.environment, inputs.health.url);
  const ran = await runProgram(
    host,
    { text: program, values: inspectValues(inputs, source) },
    { ...about, clean, sudo: false, limitSeconds: LIMIT_SECONDS, another: !inputs.dryRun },
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

function toFound(answer: Answer, inputs: DeployInputs): Found {
  const login = answer.text('login') ?? '';
  const asRoot = answer.number('uid') === 0;
  return {
    otherKernel: answer.text('kernel'),
    login,
    asRoot,
    sudo: asRoot && login !== answer.text('user'),
    needsRoot: answer.text('needs_root'),
    sudoError: answer.has('sudo_error') ? (answer.quote('sudo_error') ?? '') : undefined,
    sudoRemedy: answer.text('sudo_remedy'),
    machine: answer.text('machine') ?? '',
    tools: new Set(answer.texts('tool')),
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
    freeBytes: toFreeBytes(answer),
    freeInodes: answer.number('free_inodes'),
    immutable: answer.texts('immutable'),
    file: toFile(answer),
    fileProblem: fileProblem(answer, inputs.destination),
    seen: answer.verbatim('seen') ?? '',
    stateRefused: answer.text('state_refused'),
    unfinished: toUnfinished(answer),
    locked: answer.has('locked') ? (answer.text('locked') ?? 'an unknown run') : undefined,
    live: answer.has('live_workflow')
      ? {
          workflow: answer.text('live_workflow') ?? '',
          runNumber: answer.number('live_run_number') ?? 0,
          run: answer.text('live_run') ?? '',
        }
      : undefined,
    releases: answer.parts('release', RELEASE, 'a sha256').map(([sha256 = '']) => ({ sha256 })),
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
    supervisorPid: process.pid('supervisor_pid') ?? 0,
  };
}

function toFolder(answer: Answer): Found['folder'] {
  const path = answer.text('folder');
  if (path === undefined) return undefined;
  return {
    path,
    owner: answer.text('folder_owner') ?? '',
    mode: answer.text('folder_mode') ?? '',
    writable: answer.yes('folder_writable'),
    mount: answer.text('mount') ?? '',
    options: (answer.text('mount_options') ?? '').split(','),
  };
}

/** `df` prints `-` where it does not know, and less than nothing for a disk that only root may still write to. */
function toFreeBytes(answer: Answer): number {
  const [[free = '0'] = []] = answer.parts('free_kb', /^(-?[0-9]{1,15}|-)$/, 'an amount of free space');
  return free === '-' ? Number.POSITIVE_INFINITY : Math.max(0, Number(free)) * 1024;
}

function toFile(answer: Answer): Found['file'] {
  const bytes = answer.number('file_bytes');
  if (bytes === undefined) return undefined;
  return {
    owner: answer.text('file_owner') ?? '',
    ids: answer.text('file_ids') ?? '',
    mode: (answer.text('file_mode') ?? '').padStart(4, '0'),
    bytes,
    sha256: answer.digest('file_sha256') ?? '',
    capabilities: answer.text('file_capabilities') ?? '',
  };
}

function toUnfinished(answer: Answer): Found['unfinished'] {
  const phase = answer.text('unfinished');
  if (phase === undefined) return undefined;
  return { phase, run: answer.text('unfinished_run') ?? 'an unknown run', id: answer.text('unfinished_id') ?? '' };
}

function fileProblem(answer: Answer, destination: string): string | undefined {
  const link = answer.text('file_link');
  const odd = answer.text('file_odd');
  if (link !== undefined) return `${destination} is a symbolic link to ${link}`;
  if (answer.yes('file_folder')) return `${destination} is a folder`;
  if (odd !== undefined) return `${destination} is a ${odd}`;
  if (answer.yes('file_unreadable')) return `${destination} can't be read by this account`;
  return undefined;
}

function logProblem(answer: Answer): string | undefined {
  const folder = answer.text('log_folder_missing');
  const unwritable = answer.text('log_unwritable');
  if (folder !== undefined) return `the folder ${folder} of the log file does not exist`;
  const odd = answer.text('log_is_odd');
  if (answer.yes('log_is_folder')) return 'the log file is a folder';
  if (odd !== undefined)
    return `the log file is not a regular file (${odd}), so the program could block on it or fill it`;
  if (unwritable !== undefined) return `the account the program runs as can't write to ${unwritable}`;
  return undefined;
}

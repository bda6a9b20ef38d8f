import { unitName } from '../../lib/service/unit.ts';
import type { Source } from '../../lib/source.ts';
import type { Host } from '../../lib/ssh/connect.ts';
import { quote } from '../../lib/ssh/program.ts';
import { notAnswered, runProgram, type Said, saidAll, saidOnce, saidPairs } from '../../lib/ssh/run.ts';
import program from '../../target/programs/inspect-deploy.sh';
import type { DeployInputs } from './inputs.ts';

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
  /** Whether it was started as this step would start it: `yes`, or what differs. */
  same: 'yes' | 'args' | 'folder' | 'environment';
  /** The systemd unit that manages it, empty for none. */
  unit: string;
  /** Whose user unit it is, empty for a system unit. */
  unitUser: string;
}

/** One release kept on the target. */
export interface FoundRelease {
  sha256: string;
  /** Epoch seconds of when it was replaced. */
  keptAt: number;
  /** Owner and mode, e.g. `gbuser:gbuser 755`. */
  about: string;
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
  machine: string;
  tools: ReadonlySet<string>;
  interpreterExists: boolean;
  /** `owner` and `run-as` as wanted, a number by the name it has there. */
  wantedOwner: string | undefined;
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
  /** Pids that may execute the file but can't be seen by this account. */
  unseen: string;
  sessionKills: boolean;
  lingers: boolean;
  folderRefused: string | undefined;
  folder:
    | { path: string; owner: string; mode: string; writable: boolean; mount: string; options: string[] }
    | undefined;
  freeBytes: number;
  immutable: string[];
  /** The regular file at the destination. */
  file: { owner: string; mode: string; bytes: number; sha256: string; capabilities: string } | undefined;
  fileProblem: string | undefined;
  /** What the decisions rest on; the target compares it again under the lock. */
  seen: string;
  stateRefused: string | undefined;
  unfinished: { phase: string; run: string } | undefined;
  locked: string | undefined;
  live: { workflow: string; runNumber: number; run: string } | undefined;
  /** Newest first. */
  releases: FoundRelease[];
  history: string[];
  service: Record<string, string> | undefined;
  serviceError: string | undefined;
  httpClient: string | undefined;
  health: string | undefined;
  portHolder: string | undefined;
  logProblem: string | undefined;
  /** To the account the program runs as, or not there. */
  directoryClosed: boolean;
}

const LIMIT_SECONDS = 120;

/** Looks at the target in one round trip, and reports everything at once. */
export async function inspect(host: Host, inputs: DeployInputs, source: Source | undefined): Promise<Found> {
  const what = 'Looking at the target';
  const ran = await runProgram(
    host,
    { text: program, values: inspectValues(inputs, source) },
    { sudo: false, limitSeconds: LIMIT_SECONDS, what, another: !inputs.dryRun },
  );
  if (!ran.complete) throw notAnswered(host, { what, state: 'untouched. Nothing was changed by looking.' }, ran);
  return toFound(ran.said, inputs);
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

function toFound(said: Said, inputs: DeployInputs): Found {
  const one = (key: string) => saidOnce(said, key);
  const login = one('login') ?? '';
  const asRoot = one('uid') === '0';
  const [owner = '', mode = ''] = (one('file_about') ?? '').split(' ');
  return {
    otherKernel: one('kernel'),
    login,
    asRoot,
    sudo: asRoot && login !== one('user'),
    needsRoot: one('needs_root'),
    sudoError: one('sudo_error'),
    machine: one('machine') ?? '',
    tools: new Set(saidAll(said, 'tool')),
    interpreterExists: one('interpreter') === 'yes',
    wantedOwner: one('wanted_owner') || undefined,
    wantedRunAs: one('wanted_run_as') || undefined,
    missingUsers: [...new Set(saidAll(said, 'missing_user'))],
    missingGroup: one('missing_group'),
    accounts: one('accounts') ?? '',
    runUid: one('run_uid') ?? '',
    lastRunAs: one('last_run_as') ?? '',
    lastRunUid: one('last_run_uid') ?? '',
    processes: saidAll(said, 'process').map(toProcess),
    strangers: saidAll(said, 'stranger').map(toExecutor),
    contained: one('contained') ?? '',
    unseen: one('unseen') ?? '',
    sessionKills: one('session_kills') === 'yes',
    lingers: one('lingers') === 'yes',
    folderRefused: one('folder_refused'),
    folder: one('folder')
      ? {
          path: one('folder') ?? '',
          owner: one('folder_owner') ?? '',
          mode: one('folder_mode') ?? '',
          writable: one('folder_writable') === 'yes',
          mount: one('mount') ?? '',
          options: (one('mount_options') ?? '').split(','),
        }
      : undefined,
    freeBytes: Number(one('free_kb') ?? 0) * 1024,
    immutable: saidAll(said, 'immutable'),
    file: one('file_bytes')
      ? {
          owner,
          mode: mode.padStart(4, '0'),
          bytes: Number(one('file_bytes')),
          sha256: one('file_sha256') ?? '',
          capabilities: one('file_capabilities') ?? '',
        }
      : undefined,
    fileProblem: fileProblem(said, inputs.destination),
    seen: one('seen') ?? '',
    stateRefused: one('state_refused'),
    unfinished: one('unfinished')
      ? { phase: one('unfinished') ?? '', run: one('unfinished_run') || 'an unknown run' }
      : undefined,
    locked: one('locked'),
    live:
      one('live_workflow') === undefined
        ? undefined
        : {
            workflow: one('live_workflow') ?? '',
            runNumber: Number(one('live_run_number') ?? 0),
            run: one('live_run') ?? '',
          },
    releases: saidAll(said, 'release')
      .map(toRelease)
      .sort((a, b) => b.keptAt - a.keptAt),
    history: saidAll(said, 'history'),
    service: one('service') === undefined ? undefined : saidPairs(one('service') ?? ''),
    serviceError: one('service_error'),
    httpClient: one('http_client'),
    health: one('health'),
    portHolder: one('port_holder'),
    logProblem: logProblem(said),
    directoryClosed: one('directory_closed') === 'yes',
  };
}

function toProcess(text: string): FoundProcess {
  const { worker, live, same, unit, unit_user } = saidPairs(text);
  return {
    ...toExecutor(text),
    worker: worker === 'yes',
    live: live === 'yes',
    same: (same as FoundProcess['same']) ?? 'args',
    unit: unit ?? '',
    unitUser: unit_user ?? '',
  };
}

/** The account's name comes last, because it may contain blanks. */
function toExecutor(text: string): Executor {
  const { pid, uid } = saidPairs(text);
  return { pid: Number(pid), uid: uid ?? '', user: text.slice(text.indexOf(' user=') + 6) };
}

function toRelease(text: string): FoundRelease {
  const [sha256 = '', keptAt = '0', owner = '', mode = ''] = text.split(' ');
  return { sha256, keptAt: Number(keptAt), about: `${owner} ${mode}` };
}

function fileProblem(said: Said, destination: string): string | undefined {
  const link = saidOnce(said, 'file_link');
  const odd = saidOnce(said, 'file_odd');
  if (link !== undefined) return `${destination} is a symbolic link to ${link}`;
  if (saidOnce(said, 'file_folder')) return `${destination} is a folder`;
  if (odd !== undefined) return `${destination} is a ${odd}`;
  if (saidOnce(said, 'file_unreadable')) return `${destination} can't be read by this account`;
  return undefined;
}

function logProblem(said: Said): string | undefined {
  const folder = saidOnce(said, 'log_folder_missing');
  const unwritable = saidOnce(said, 'log_unwritable');
  if (folder !== undefined) return `the folder ${folder} of the log file does not exist`;
  if (saidOnce(said, 'log_is_folder')) return 'the log file is a folder';
  if (unwritable !== undefined) return `the account the program runs as can't write to ${unwritable}`;
  return undefined;
}

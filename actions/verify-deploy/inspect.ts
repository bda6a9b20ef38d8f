import { oneLine } from '../../lib/foreign.ts';
import { headerValues } from '../../lib/health-headers.ts';
import { hiding } from '../../lib/secrets.ts';
import { unitName } from '../../lib/service/unit.ts';
import type { Answer } from '../../lib/ssh/answer.ts';
import type { Host } from '../../lib/ssh/connect.ts';
import { notAnswered, runProgram } from '../../lib/ssh/run.ts';
import program from '../../target/programs/inspect-verify.sh';
import type { VerifyInputs } from './inputs.ts';

/** A process that executes the file, or an image of it that is deleted. */
export interface FoundProcess {
  pid: number;
  user: string;
  uid: string;
  /** Epoch seconds. */
  started: number;
  /** Whether another of them started it: a server's workers may have another account. */
  worker: boolean;
  /** Whether its image is the very file. */
  live: boolean;
  /** Digest of the image it runs; empty when it could not be read. */
  sha256: string;
}

/** What was seen on one target; nothing there was changed by looking. */
export interface Found {
  otherKernel: string | undefined;
  user: string;
  needsRoot: string | undefined;
  sudoError: string | undefined;
  /** The line for sudoers or doas.conf that would allow it. */
  sudoRemedy: string | undefined;
  file: { owner: string; ids: string; mode: string; bytes: number; modified: number } | undefined;
  fileProblem: string | undefined;
  unreadable: boolean;
  sha256: string;
  /** Undefined when there is no tool to read them. */
  capabilities: string | undefined;
  strings: ReadonlySet<string>;
  searchFailed: boolean;
  processes: FoundProcess[];
  /** Processes of accounts that the program does not run as, which prove nothing: at most ten. */
  strangers: { pid: number; user: string }[];
  unseen: string;
  /** Whether /proc hides the processes of other accounts, and none is seen. */
  hidden: boolean;
  service: Record<string, string> | undefined;
  serviceError: string | undefined;
  /** `ours`, `closed`, `unseen`, or who holds it. */
  port: string[];
  /** `ok STATUS`, or why not; undefined when it could not be asked. */
  health: string | undefined;
  unstable: string[];
  /** `missing`, `unreadable`, `unsearched`, `is a KIND` of no regular file, or `from yes|no OFFSET`. */
  log: string | undefined;
  /** The account whose rights it is read with. */
  logReader: string;
  logLines: string | undefined;
  stateUnreadable: boolean;
  /** Why the state folder is not one to read. */
  stateRefused: string | undefined;
  unfinished: { phase: string; run: string } | undefined;
  deploying: string | undefined;
  history: string | undefined;
}

const LIMIT_SECONDS = 600;
/** USER_HZ on every Linux that is not alpha. */
const TICKS_PER_SECOND = 100;

/** Looks at one target in one round trip. */
export async function inspect(host: Host, inputs: VerifyInputs, signal: AbortSignal): Promise<Found> {
  const what = 'Inspecting the target';
  const clean = hiding([], inputs.health);
  const ran = await runProgram(
    host,
    { text: program, values: inspectValues(inputs) },
    { sudo: false, limitSeconds: LIMIT_SECONDS + inputs.stableSeconds, what, clean, signal },
  );
  if (!ran.complete) throw notAnswered(host, { what }, ran);
  return toFound(ran.answer, inputs);
}

function inspectValues(inputs: VerifyInputs) {
  return {
    folder: inputs.folder === '/' ? '' : inputs.folder,
    name: inputs.name,
    sudo: inputs.sudo,
    strings: [...inputs.strings, ...inputs.absentStrings].sort((a, b) => b.length - a.length).join('\n'),
    run_as: inputs.runAs,
    service: inputs.service && unitName(inputs.service.replace(/^user:/, '')),
    service_is_user: inputs.service?.startsWith('user:') ? 'yes' : '',
    listen_port: inputs.listenPort,
    health_url: inputs.health.url,
    ...headerValues(inputs.health.url, inputs.health.headers),
    health_status: inputs.health.status,
    health_contains: inputs.health.contains,
    health_port: '',
    health_command: '',
    stable_cs: Math.round(inputs.stableSeconds * 100),
    log_file: inputs.logFile,
    log_absent_strings: inputs.logAbsentStrings.join('\n'),
  };
}

function toFound(answer: Answer, { listenPort }: VerifyInputs): Found {
  const [[ticks, now] = []] = answer.parts('now', NOW, 'a time');
  return {
    otherKernel: answer.text('kernel'),
    user: answer.text('user') ?? '',
    needsRoot: answer.text('needs_root'),
    sudoError: answer.has('sudo_error') ? (answer.quote('sudo_error') ?? '') : undefined,
    sudoRemedy: answer.text('sudo_remedy'),
    file: toFile(answer),
    fileProblem: answer.text('file_problem'),
    unreadable: answer.yes('unreadable'),
    sha256: answer.digest('sha256') ?? '',
    capabilities: answer.yes('capabilities_unknown') ? undefined : (answer.text('capabilities') ?? ''),
    strings: new Set(answer.verbatims('string')),
    searchFailed: answer.yes('search_failed'),
    processes: answer
      .records('process')
      .flatMap((process) => toProcess(process, { ticks: Number(ticks), now: Number(now) }) ?? []),
    strangers: answer
      .records('stranger')
      .map((process) => ({ pid: process.pid('pid') ?? 0, user: process.text('user') ?? '' })),
    unseen: answer.pids('unseen'),
    hidden: answer.yes('hidden'),
    service: answer.has('service') ? toService(answer) : undefined,
    serviceError: answer.quote('service_error'),
    port: listenPort === undefined ? [] : answer.texts('port'),
    health: answer.quote('health'),
    unstable: answer.texts('unstable'),
    log: answer.text('log'),
    logReader: answer.text('log_reader') ?? '',
    logLines: answer.has('log_lines') ? answer.quotedLines('log_lines').join('\n') : undefined,
    stateUnreadable: answer.yes('state_unreadable'),
    stateRefused: answer.text('state_refused'),
    unfinished: toUnfinished(answer),
    deploying: answer.has('deploying') ? (answer.text('deploying') ?? 'an unknown run') : undefined,
    history: answer.text('history'),
  };
}

/** Ticks since boot, epoch seconds; of a date that knows no fractions the rest is `%N`. */
const NOW = /^([0-9]{1,15}) ([0-9]{1,11}(?:\.[0-9]+)?)(?:\.\S*)?$/;

/** One that ended while it was looked at has no words left. */
function toProcess(process: Answer, clock: { ticks: number; now: number }): FoundProcess | undefined {
  const pid = process.pid('pid');
  const started = process.number('started');
  if (pid === undefined || started === undefined) return undefined;
  return {
    pid,
    user: process.text('user') ?? '',
    uid: String(process.number('uid') ?? ''),
    started: clock.now - (clock.ticks - started) / TICKS_PER_SECOND,
    worker: process.yes('worker'),
    live: process.yes('live'),
    sha256: process.digest('sha256') ?? '',
  };
}

function toService(answer: Answer): Record<string, string> {
  const service = answer.records('service').at(-1);
  const words = ['load', 'active', 'sub', 'main', 'restarts', 'result', 'pids'];
  return Object.fromEntries(words.map((word) => [word, service?.text(word) ?? '']));
}

function toUnfinished(answer: Answer): Found['unfinished'] {
  const phase = answer.text('unfinished');
  return phase === undefined ? undefined : { phase, run: answer.text('unfinished_run') ?? 'an unknown run' };
}

/** Ids, mode, bytes, epoch seconds, date, clock, zone and owner. The clock is there for its fraction of a second. */
const FILE =
  /^([0-9]+:[0-9]+) ([0-7]{1,5}) ([0-9]{1,15}) (-?[0-9]{1,11}) \S+ [0-9:]+(?:\.([0-9]+))?(?: [+-][0-9]{4})? ([^:]+:.*)$/s;

/** The names of the owner and of the group may have blanks. */
function toFile(answer: Answer): Found['file'] {
  const [[ids = '', mode = '', bytes, seconds, fraction = '0', owner = ''] = []] = answer.parts('file', FILE, 'a file');
  if (ids === '') return undefined;
  const modified = Number(seconds) + Number(`0.${fraction || 0}`);
  return { owner: oneLine(owner), ids, mode: mode.padStart(4, '0'), bytes: Number(bytes), modified };
}

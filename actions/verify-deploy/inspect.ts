import { unitName } from '../../lib/service/unit.ts';
import type { Host } from '../../lib/ssh/connect.ts';
import { notAnswered, runProgram, type Said, saidAll, saidOnce, saidPairs } from '../../lib/ssh/run.ts';
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
  unfinished: { phase: string; run: string } | undefined;
  deploying: string | undefined;
  history: string | undefined;
}

const LIMIT_SECONDS = 600;
/** USER_HZ on every Linux that is not alpha. */
const TICKS_PER_SECOND = 100;

/** Looks at one target in one round trip. */
export async function inspect(host: Host, inputs: VerifyInputs, signal: AbortSignal): Promise<Found> {
  const what = 'Looking at the target';
  const ran = await runProgram(
    host,
    { text: program, values: inspectValues(inputs) },
    { sudo: false, limitSeconds: LIMIT_SECONDS + inputs.stableSeconds, what, signal },
  );
  if (!ran.complete) throw notAnswered(host, { what }, ran);
  return toFound(ran.said);
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
    health_status: inputs.health.status,
    health_contains: inputs.health.contains,
    health_port: '',
    health_command: '',
    stable_cs: Math.round(inputs.stableSeconds * 100),
    log_file: inputs.logFile,
    log_absent_strings: inputs.logAbsentStrings.join('\n'),
  };
}

function toFound(said: Said): Found {
  const one = (key: string) => saidOnce(said, key);
  const [ticks, now] = (one('now') ?? '').split(' ').map(Number.parseFloat) as [number, number];
  return {
    otherKernel: one('kernel'),
    user: one('user') ?? '',
    needsRoot: one('needs_root'),
    sudoError: one('sudo_error'),
    file: toFile(one('file')),
    fileProblem: one('file_problem'),
    unreadable: one('unreadable') === 'yes',
    sha256: one('sha256') ?? '',
    capabilities: one('capabilities_unknown') ? undefined : (one('capabilities') ?? ''),
    strings: new Set(saidAll(said, 'string')),
    searchFailed: one('search_failed') === 'yes',
    processes: saidAll(said, 'process').map((text) => {
      const { pid, uid = '', started, worker, live, sha256 = '' } = saidPairs(text);
      const age = (ticks - Number(started)) / TICKS_PER_SECOND;
      return {
        pid: Number(pid),
        user: accountName(text),
        uid,
        started: now - age,
        worker: worker === 'yes',
        live: live === 'yes',
        sha256,
      };
    }),
    strangers: saidAll(said, 'stranger').map((text) => ({
      pid: Number(saidPairs(text).pid),
      user: accountName(text),
    })),
    unseen: one('unseen') ?? '',
    service: one('service') === undefined ? undefined : saidPairs(one('service') ?? ''),
    serviceError: one('service_error'),
    port: saidAll(said, 'port'),
    health: one('health'),
    unstable: saidAll(said, 'unstable'),
    log: one('log'),
    logReader: one('log_reader') ?? '',
    logLines: one('log_lines'),
    stateUnreadable: one('state_unreadable') === 'yes',
    unfinished: one('unfinished')
      ? { phase: one('unfinished') ?? '', run: one('unfinished_run') || 'an unknown run' }
      : undefined,
    deploying: one('deploying'),
    history: one('history'),
  };
}

/** It comes last, because it may contain blanks. */
function accountName(text: string): string {
  return text.slice(text.indexOf(' user=') + 6);
}

/** The clock is there for its fraction of a second. A group's name may have blanks. */
function toFile(text: string | undefined): Found['file'] {
  if (!text) return undefined;
  const [ids = '', mode = '', bytes, seconds, _date, clock = '', _zone, ...owner] = text.split(' ');
  const modified = Number(seconds) + Number(`0.${clock.split('.')[1] ?? 0}`);
  return { owner: owner.join(' '), ids, mode: mode.padStart(4, '0'), bytes: Number(bytes), modified };
}

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { sha256 } from '../support/programs.ts';
import { textOf } from '../support/target.ts';
import type { FaultyHost } from './host.ts';
import { family, folderOf, processes, programOf, wordsOf } from './processes.ts';

/** What is there, seen by means that share nothing with the actions. */
export interface Seen {
  /** The version in the file: `v1` is the old one, `v2` the new; `none`, or `other` for no whole one. */
  file: string;
  /** The version each process of it executes, by the digest of its running image. */
  runs: string[];
  /** The version that answers healthily, if that process executes the file. */
  serves: string | undefined;
  pid: number | undefined;
  /** Whether no phase of a deploy is the journal's last word. */
  finished: boolean;
}

const REST_LIMIT_MS = 60_000;
const HEALTH_TRIES = 4;
const KEPT = /^(lock|journal|progress|handed|live|history|ended|releases|last-release)$/;

/** Waits until nobody works on the target any more; false when that takes more than a minute. */
export async function atRest(host: FaultyHost): Promise<boolean> {
  const deadline = Date.now() + REST_LIMIT_MS;
  while (Date.now() < deadline) {
    if (!isLocked(`${host.state}/lock`) && sessions(host).length === 0) return true;
    await sleep(50);
  }
  return false;
}

export async function see(host: FaultyHost): Promise<Seen> {
  const { destination, port } = host.target;
  const pids = host.target.pids();
  const answer = await healthOf(port);
  return {
    file: existsSync(destination) ? versionOf(host, destination) : 'none',
    runs: pids.map((pid) => versionOf(host, `/proc/${pid}/exe`)),
    serves: answer && pids.includes(answer.pid) ? answer.version : undefined,
    pid: answer?.pid,
    finished: isFinished(textOf(`${host.state}/journal`)),
  };
}

/** Files and processes that are still there though nobody works any more. */
export function leftovers(host: FaultyHost): string[] {
  const { folder, service, name: own } = host.target;
  const root = folder.replace(/\/bin$/, '');
  const programs = new Set(host.target.pids());
  const files = [
    ...readdirSync(folder)
      .filter((name) => name !== own && name !== `.${own}.deploy`)
      .map((name) => `${folder}/${name}`),
    ...listOf(host.state)
      .filter((name) => !KEPT.test(name))
      .map((name) => `${host.state}/${name}`),
    ...releasesOf(host)
      .filter((name) => !isKnown(host, name))
      .map((name) => `release ${name}`),
    ...readdirSync(host.scratch).map((name) => `${host.scratch}/${name} on the runner`),
  ];
  const alive = processes().filter(
    ({ pid }) =>
      !programs.has(pid) &&
      (folderOf(pid).startsWith(root) || folderOf(pid).startsWith(host.scratch) || ownerOf(pid) === service.uid),
  );
  return [...files, ...alive.map(({ pid }) => `process ${pid}: ${programOf(pid)} (${wordsOf(pid)})`)];
}

/** The processes of its SSH server that serve somebody. */
function sessions(host: FaultyHost): number[] {
  return family(host.target.sshd.process.pid ?? 0).slice(1);
}

function isLocked(path: string): boolean {
  return existsSync(path) && spawnSync('flock', ['-n', path, 'true']).status !== 0;
}

/** Before its first phase nothing was touched. */
function isFinished(journal: string): boolean {
  return !journal.includes('\nphase=') || journal.endsWith('\nphase=end\n');
}

/** Asked more than once: on a loaded machine an answer may take its time. */
async function healthOf(port: number): Promise<{ version: string; pid: number } | undefined> {
  for (let tried = 0; tried < HEALTH_TRIES; tried += 1) {
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/api/health`, { signal: AbortSignal.timeout(3000) });
      if (answer.ok) return (await answer.json()) as { version: string; pid: number };
    } catch {
      // Nothing serves, or not yet.
    }
    await sleep(100);
  }
  return undefined;
}

/** What is live or proved never has to leave, and nothing else may be kept. */
function isKnown(host: FaultyHost, name: string): boolean {
  const [digest = ''] = name.split('.');
  return host.versions.has(digest);
}

function releasesOf(host: FaultyHost): string[] {
  return listOf(`${host.state}/releases`);
}

function versionOf(host: FaultyHost, path: string): string {
  try {
    return host.versions.get(sha256(path)) ?? 'other';
  } catch {
    return 'none';
  }
}

function ownerOf(pid: number): number | undefined {
  try {
    return Number(/^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    return undefined;
  }
}

function listOf(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface Process {
  pid: number;
  parent: number;
  group: number;
}

/** All processes of this machine. */
export function processes(): Process[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      // The name may contain blanks and parentheses.
      const [state, parent, group] = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
      return state === 'Z' ? [] : [{ pid: Number(name), parent: Number(parent), group: Number(group) }];
    } catch {
      return [];
    }
  });
}

/** The process and all that it started, and they in turn. */
export function family(pid: number): number[] {
  const all = processes();
  const below = (at: number): number[] =>
    all.filter(({ parent }) => parent === at).flatMap((child) => [child.pid, ...below(child.pid)]);
  return [pid, ...below(pid)];
}

/** What it executes; empty when it is gone. */
export function programOf(pid: number): string {
  return linkOf(`/proc/${pid}/exe`);
}

/** The folder it works in. */
export function folderOf(pid: number): string {
  return linkOf(`/proc/${pid}/cwd`);
}

/** Its words, for people. */
export function wordsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').slice(0, 120);
  } catch {
    return '';
  }
}

/** Ends it if it is still there. */
export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself.
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

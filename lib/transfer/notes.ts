import { createHash, randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { Compressor } from './plan-transfer.ts';

/** What the runner knows of a target's file from last time. */
export interface Note {
  /** What the link carried. */
  bytesPerSecond?: number;
  /** By which a link is judged that was never the one that was waited for. */
  roundTripMs?: number;
  /** Digests of what this runner left there, the last one first. */
  left?: string[];
  /** With what a delta can be packed for it; it has what undoes that. */
  deltaBy?: Compressor;
}

/** Reads the note of `key`, a text; an empty one when there is none, or none that can be read. */
export async function readNote(folder: string, key: string): Promise<Note> {
  const text = await readFile(noteFile(folder, key), 'utf8').catch(() => '{}');
  try {
    const { bytesPerSecond, roundTripMs, left, deltaBy } = JSON.parse(text) as Record<string, unknown>;
    return {
      ...(typeof bytesPerSecond === 'number' && bytesPerSecond > 0 ? { bytesPerSecond } : {}),
      ...(typeof roundTripMs === 'number' && roundTripMs > 0 ? { roundTripMs } : {}),
      ...(Array.isArray(left) && left.every(isDigest) ? { left: left.slice(0, MOST_LEFT) } : {}),
      ...(deltaBy === 'zstd' || deltaBy === 'gzip' ? { deltaBy } : {}),
    };
  } catch {
    return {};
  }
}

/** Writes it whole: another job reads the one before or this one. */
export async function writeNote(folder: string, key: string, note: Note): Promise<void> {
  const unfinished = `${folder}/.new-${randomUUID()}`;
  try {
    await writeFile(unfinished, JSON.stringify(note), { mode: 0o600, flag: 'wx' });
    await rename(unfinished, noteFile(folder, key));
  } finally {
    await rm(unfinished, { force: true });
  }
}

/** As many as are kept. */
const MOST_LEFT = 8;

/** What was left there, with one more. */
export function leftWith(sha256: string, { left = [] }: Note): string[] {
  return [sha256, ...left.filter((other) => other !== sha256)].slice(0, MOST_LEFT);
}

function isDigest(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}

/** Where the note of a key is, which can hold anything. */
export function noteFile(folder: string, key: string): string {
  return `${folder}/note-${createHash('sha256').update(key).digest('hex').slice(0, 16)}`;
}

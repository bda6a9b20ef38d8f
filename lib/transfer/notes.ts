import { createHash, randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { Compressor } from './plan-transfer.ts';

/** What the runner knows of a target's file from last time. */
export interface Note {
  /** What the link carried. */
  bytesPerSecond?: number;
  /** By which a link is judged that was never the one that was waited for. */
  roundTripMs?: number;
  /** What was left there. */
  sha256?: string;
  /** With what a delta can be packed for it; it has what undoes that. */
  deltaBy?: Compressor;
}

/** Reads the note of `key`, a text; an empty one when there is none, or none that can be read. */
export async function readNote(folder: string, key: string): Promise<Note> {
  const text = await readFile(fileOf(folder, key), 'utf8').catch(() => '{}');
  try {
    const { bytesPerSecond, roundTripMs, sha256, deltaBy } = JSON.parse(text) as Record<string, unknown>;
    return {
      ...(typeof bytesPerSecond === 'number' && bytesPerSecond > 0 ? { bytesPerSecond } : {}),
      ...(typeof roundTripMs === 'number' && roundTripMs > 0 ? { roundTripMs } : {}),
      ...(typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256) ? { sha256 } : {}),
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
    await rename(unfinished, fileOf(folder, key));
  } finally {
    await rm(unfinished, { force: true });
  }
}

/** A key can hold anything. */
function fileOf(folder: string, key: string): string {
  return `${folder}/note-${createHash('sha256').update(key).digest('hex').slice(0, 16)}`;
}

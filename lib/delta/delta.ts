import type { FileHandle } from 'node:fs/promises';
import { type Aligned, aligner, emptyOld, indexOld, type Old } from './align.ts';
import { planParts, type Range } from './plan-parts.ts';

/** A file that is open for reading. */
export interface OpenFile {
  handle: FileHandle;
  bytes: number;
}

const PIECE_BYTES = 1 << 18;
/** Marks a stretch that resembles nothing of the old file. */
const NOWHERE = -(2 ** 31);

/**
 * The delta from which `apply.pl` makes the new file out of the old one; to be compressed, for it is as long as the new
 * file and almost all zeros. Memory is bounded whatever the sizes.
 *
 * Per piece of 256 KiB: two 32-bit numbers, how many stretches and how many bytes; per stretch two more, its bytes and how
 * far it begins from the end of the one before in the old file; then the difference. All of them big-endian.
 */
export async function* deltaOf(fresh: OpenFile, old: OpenFile): AsyncGenerator<Buffer> {
  let end = 0;
  // One for all: only what was made of it is handed on.
  const block = Buffer.allocUnsafe(PIECE_BYTES);
  let held: Old | undefined;
  for (const part of planParts(fresh.bytes, old.bytes)) {
    held = await readOld(old, part.old, held);
    const align = aligner(held);
    for (let at = part.fresh.begin; at < part.fresh.end; at += PIECE_BYTES) {
      const piece = block.subarray(0, Math.min(PIECE_BYTES, part.fresh.end - at));
      await fill(fresh, at, piece);
      const aligned = align(piece, at);
      const head = headOf(aligned, end);
      end = head.end;
      yield head.bytes;
      yield aligned.difference;
    }
  }
}

async function readOld(file: OpenFile, { begin, end }: Range, done: Old | undefined): Promise<Old> {
  const old = emptyOld(end - begin, begin, done);
  for (let at = 0; at < old.bytes.length; at += PIECE_BYTES) {
    const piece = old.bytes.subarray(at, at + PIECE_BYTES);
    await fill(file, begin + at, piece);
    // In steps, so that the connection is served meanwhile.
    if (at > 0) indexOld(old, at - PIECE_BYTES, at);
  }
  const whole = Math.floor(Math.max(0, old.bytes.length - 1) / PIECE_BYTES) * PIECE_BYTES;
  indexOld(old, whole, old.bytes.length);
  return old;
}

async function fill({ handle }: OpenFile, at: number, into: Buffer): Promise<void> {
  for (let done = 0; done < into.length; ) {
    const { bytesRead } = await handle.read(into, done, into.length - done, at + done);
    if (bytesRead === 0) throw new Error('the file became shorter while it was read');
    done += bytesRead;
  }
}

function headOf({ stretches, difference }: Aligned, end: number): { bytes: Buffer; end: number } {
  const bytes = Buffer.allocUnsafe(8 + 8 * stretches.length);
  bytes.writeUInt32BE(stretches.length, 0);
  bytes.writeUInt32BE(difference.length, 4);
  let reached = end;
  for (const [index, stretch] of stretches.entries()) {
    bytes.writeInt32BE(stretch.bytes, 8 + 8 * index);
    bytes.writeInt32BE(stretch.from === undefined ? NOWHERE : stretch.from - reached, 12 + 8 * index);
    if (stretch.from !== undefined) reached = stretch.from + stretch.bytes;
  }
  return { bytes, end: reached };
}

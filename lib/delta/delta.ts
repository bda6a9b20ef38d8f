import type { FileHandle } from 'node:fs/promises';
import { type Aligned, NOWHERE, openAligner, PIECE_BYTES } from './align.ts';
import { planParts, type Range } from './plan-parts.ts';

/** A file that is open for reading. */
export interface OpenFile {
  handle: FileHandle;
  bytes: number;
}

/** A multiple of what is indexed at a time. */
const OLD_BLOCK_BYTES = 1 << 20;

/**
 * The delta from which `apply.pl` makes the new file out of the old one; to be compressed, for it is as long as the new
 * file and almost all zeros. Memory is bounded whatever the sizes.
 *
 * Per piece of 256 KiB: two 32-bit numbers, how many stretches and how many bytes; per stretch two more, its bytes and how
 * far it begins from the end of the one before in the old file; then the difference. All of them big-endian.
 */
export async function* deltaOf(fresh: OpenFile, old: OpenFile): AsyncGenerator<Buffer> {
  const parts = planParts(fresh.bytes, old.bytes);
  const [first] = parts;
  if (!first) return;
  const aligner = await openAligner(first.old.end - first.old.begin);
  let end = 0;
  for (const part of parts) {
    const held = aligner.begin(part.old.begin);
    const oldBlock = (at: number) => held.subarray(at - part.old.begin, at - part.old.begin + OLD_BLOCK_BYTES);
    for await (const { at, block } of blocksOf(old, part.old, oldBlock)) {
      aligner.index(at - part.old.begin, at - part.old.begin + block.length);
    }
    const piece = (at: number) => aligner.pieces[(at / PIECE_BYTES) % 2] as Buffer;
    for await (const { at, block } of blocksOf(fresh, part.fresh, piece)) {
      const aligned = aligner.align(block, at);
      const head = headOf(aligned, end);
      end = head.end;
      yield Buffer.concat([head.bytes, aligned.difference]);
    }
  }
}

/** The bytes of a range, read into the places given for each offset: the next block while one is used. */
async function* blocksOf(
  file: OpenFile,
  { begin, end }: Range,
  place: (at: number) => Buffer,
): AsyncGenerator<{ at: number; block: Buffer }> {
  const read = (at: number) => {
    if (at >= end) return undefined;
    const block = place(at).subarray(0, end - at);
    const done = fill(file, at, block);
    // Nobody waits for it when the delta is given up.
    done.catch(() => undefined);
    return { at, block, done };
  };
  for (let next = read(begin); next !== undefined; ) {
    const { at, block, done } = next;
    await done;
    next = read(at + block.length);
    yield { at, block };
  }
}

async function fill({ handle }: OpenFile, at: number, into: Buffer): Promise<void> {
  for (let done = 0; done < into.length; ) {
    const { bytesRead } = await handle.read(into, done, into.length - done, at + done);
    if (bytesRead === 0) throw new Error('the file was shortened while it was being read');
    done += bytesRead;
  }
}

function headOf({ stretches, difference }: Aligned, end: number): { bytes: Buffer; end: number } {
  const bytes = Buffer.allocUnsafe(8 + 8 * stretches.length);
  bytes.writeUInt32BE(stretches.length, 0);
  bytes.writeUInt32BE(difference.length, 4);
  let reached = end;
  for (const [index, { bytes: length, from }] of stretches.entries()) {
    bytes.writeInt32BE(length, 8 + 8 * index);
    bytes.writeInt32BE(from === NOWHERE ? NOWHERE : from - reached, 12 + 8 * index);
    if (from !== NOWHERE) reached = from + length;
  }
  return { bytes, end: reached };
}

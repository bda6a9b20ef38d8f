/** Consecutive bytes of the new file and where they resemble the old one; `from` is undefined where nothing does. */
export interface Stretch {
  bytes: number;
  /** Offset in the old file. */
  from: number | undefined;
}

export interface Aligned {
  /** Cover the piece without a gap. */
  stretches: Stretch[];
  /** The piece XOR the old bytes it is aligned with: zero almost everywhere when it is a rebuild of them. */
  difference: Buffer;
}

/** The old file, or a part of it that begins at offset `from`, and where its contents can be found by their looks. */
export interface Old {
  bytes: Buffer;
  from: number;
  /** Offset in `bytes` by hash, or -1. */
  places: Int32Array;
}

/** Bytes compared before going on or looking elsewhere. */
const BLOCK_BYTES = 32;
/** Of a block, that must be equal to go on with the present shift. */
const ENOUGH = 0.6;
/** Bytes by which places are compared with each other. */
const LOOK_BYTES = 128;
/** Of those, that must be equal for a place to be better than none. */
const RESEMBLES = 0.3;
/** Of those, that are equal at a place that is as good as any. */
const SAME = 0.9;
/** Bytes that are hashed, at every `SAMPLE_BYTES`th offset of the old file. */
const WINDOW_BYTES = 8;
const SAMPLE_BYTES = 16;
const MOST_PLACES_TRIED = 16;
const RECENT_SHIFTS = 8;

/** An old part of `length` bytes, to be filled and then indexed as its bytes come. */
export function emptyOld(length: number, from: number): Old {
  const samples = Math.max(1, length / SAMPLE_BYTES);
  const bits = Math.min(24, Math.max(8, Math.ceil(Math.log2(samples))));
  return { bytes: Buffer.allocUnsafe(length), from, places: new Int32Array(2 ** bits).fill(-1) };
}

/** Indexes the bytes of `old` from `begin` to `end`, both multiples of 16 or the end. */
export function indexOld({ bytes, places }: Old, begin: number, end: number): void {
  const view = viewOf(bytes);
  const unused = 32 - Math.log2(places.length);
  const last = Math.min(end, bytes.length - WINDOW_BYTES + 1);
  for (let at = begin; at < last; at += SAMPLE_BYTES) {
    const low = view.getUint32(at, true);
    const high = view.getUint32(at + 4, true);
    // Zeros and fills look alike everywhere.
    if (low !== high) places[hash(low, high) >>> unused] = at;
  }
}

/**
 * Aligns piece after piece of the new file with `old`. Code and debug data move by whole runs in which only scattered
 * bytes differ, so the shift (old offset - new offset) is kept while enough of the next block is equal; else a few
 * recent shifts and what the index knows are compared over a longer stretch, and the best is taken.
 */
export function aligner({ bytes: old, from, places }: Old) {
  const oldView = viewOf(old);
  const unused = 32 - Math.log2(places.length);
  let shift = -from;
  let recent: number[] = [];

  /** `at` is the piece's offset in the new file. */
  return function align(piece: Buffer, at: number): Aligned {
    const view = viewOf(piece);
    const difference = Buffer.from(piece);
    const out = viewOf(difference);
    const stretches: Stretch[] = [];

    const equalBytes = (here: number, there: number, wanted: number): number => {
      if (there < 0) return 0;
      const count = Math.min(wanted, old.length - there);
      let equal = 0;
      let i = 0;
      for (; i + 4 <= count; i += 4) {
        equal += zeroBytes(view.getUint32(here + i, true) ^ oldView.getUint32(there + i, true));
      }
      for (; i < count; i += 1) if (piece[here + i] === old[there + i]) equal += 1;
      return equal;
    };

    const subtract = (here: number, there: number, count: number) => {
      let i = 0;
      for (; i + 4 <= count; i += 4) {
        out.setUint32(here + i, view.getUint32(here + i, true) ^ oldView.getUint32(there + i, true), true);
      }
      for (; i < count; i += 1) difference[here + i] = (piece[here + i] as number) ^ (old[there + i] as number);
    };

    /** The shift under which most of what follows is equal, or undefined. */
    const search = (here: number): number | undefined => {
      const look = Math.min(LOOK_BYTES, piece.length - here);
      let best = shift;
      let most = equalBytes(here, here + at + shift, look);
      const consider = (candidate: number) => {
        if (candidate === best || candidate === shift) return;
        const equal = equalBytes(here, here + at + candidate, look);
        if (equal <= most) return;
        most = equal;
        best = candidate;
      };
      recent.forEach(consider);
      const last = Math.min(here + BLOCK_BYTES, piece.length - WINDOW_BYTES);
      for (let i = here, tried = 0; i <= last && tried < MOST_PLACES_TRIED && most < look * SAME; i += 1) {
        const low = view.getUint32(i, true);
        const high = view.getUint32(i + 4, true);
        const there = places[hash(low, high) >>> unused] as number;
        if (there < 0 || oldView.getUint32(there, true) !== low || oldView.getUint32(there + 4, true) !== high)
          continue;
        consider(there - i - at);
        tried += 1;
      }
      return most >= look * RESEMBLES ? best : undefined;
    };

    const add = (bytes: number, there: number | undefined) => {
      const before = stretches.at(-1);
      const start = there === undefined ? undefined : there + from;
      const goesOn = before && (before.from === undefined ? undefined : before.from + before.bytes) === start;
      if (before && goesOn) before.bytes += bytes;
      else stretches.push({ bytes, from: start });
    };

    for (let here = 0; here < piece.length; here += BLOCK_BYTES) {
      const block = Math.min(BLOCK_BYTES, piece.length - here);
      if (equalBytes(here, here + at + shift, block) < block * ENOUGH) {
        const better = search(here);
        if (better === undefined) {
          add(block, undefined);
          continue;
        }
        if (better !== shift) recent = [shift, ...recent.filter((known) => known !== better)].slice(0, RECENT_SHIFTS);
        shift = better;
      }
      const there = here + at + shift;
      const aligned = there < 0 ? 0 : Math.min(block, old.length - there);
      if (aligned > 0) {
        subtract(here, there, aligned);
        add(aligned, there);
      }
      if (aligned < block) add(block - aligned, undefined);
    }
    return { stretches, difference };
  };
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function hash(low: number, high: number): number {
  const mixed = Math.imul(low, 0x9e3779b1) ^ Math.imul(high, 0x85ebca77);
  return Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
}

function zeroBytes(word: number): number {
  if (word === 0) return 4;
  return (
    ((word & 0xff) === 0 ? 1 : 0) +
    ((word & 0xff00) === 0 ? 1 : 0) +
    ((word & 0xff0000) === 0 ? 1 : 0) +
    ((word & 0xff000000) === 0 ? 1 : 0)
  );
}

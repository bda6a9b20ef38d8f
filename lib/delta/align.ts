import { packsBetter } from './packs-better.ts';

/** Consecutive bytes of the new file and where they resemble the old one; `from` is undefined where nothing does. */
export interface Stretch {
  bytes: number;
  /** Offset in the old file. */
  from: number | undefined;
}

export interface Aligned {
  /** Cover the piece without a gap. */
  stretches: Stretch[];
  /**
   * The piece less the old bytes it is aligned with, byte by byte: zero almost everywhere when it is a rebuild of them, and
   * where addresses have moved, mostly the same few numbers.
   */
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
/** Bytes compared at once, a multiple of that: much of a rebuild is the same. */
const SWEEP_BYTES = 1024;
/** Of the new file, taken as they are where the difference would be no smaller; a multiple of that. */
const CHUNK_BYTES = 65_536;
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

/** An old part of `length` bytes, to be filled and then indexed as its bytes come; in the memory of one that is done with. */
export function emptyOld(length: number, from: number, done?: Old): Old {
  if (done?.bytes.length === length) return { ...done, from, places: done.places.fill(-1) };
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
export function aligner(old: Old) {
  let shift = -old.from;
  let recent: number[] = [];

  /** `at` is the piece's offset in the new file. */
  return function align(piece: Buffer, at: number): Aligned {
    const pair = new Pair(piece, old);
    const stretches: Stretch[] = [];
    for (let begin = 0; begin < piece.length; begin += CHUNK_BYTES) {
      const end = Math.min(begin + CHUNK_BYTES, piece.length);
      const found = alignChunk(pair, begin, end);
      if (packsBetter(piece.subarray(begin, end), pair.difference.subarray(begin, end))) {
        pair.restore(begin, end - begin);
        add(stretches, { bytes: end - begin, from: undefined });
      } else for (const stretch of found) add(stretches, stretch);
    }
    return { stretches, difference: pair.difference };

    function alignChunk(pair: Pair, begin: number, end: number): Stretch[] {
      const stretches: Stretch[] = [];
      for (let here = begin; here < end; here += BLOCK_BYTES) {
        const distance = at + shift;
        if (here % SWEEP_BYTES === 0 && here + SWEEP_BYTES <= end && pair.isSame(here, here + distance, SWEEP_BYTES)) {
          add(stretches, { bytes: SWEEP_BYTES, from: here + distance + old.from });
          here += SWEEP_BYTES - BLOCK_BYTES;
          continue;
        }
        const block = Math.min(BLOCK_BYTES, end - here);
        if (pair.subtract(here, here + distance, block) < block * ENOUGH) {
          const better = search(pair, here, [distance, ...recent.map((known) => at + known)]);
          if (better === undefined) {
            pair.restore(here, block);
            add(stretches, { bytes: block, from: undefined });
            continue;
          }
          if (better !== distance) {
            recent = [shift, ...recent.filter((known) => known !== better - at)].slice(0, RECENT_SHIFTS);
            shift = better - at;
            pair.subtract(here, here + better, block);
          }
        }
        const there = here + at + shift;
        const aligned = pair.reach(there, block);
        if (aligned > 0) add(stretches, { bytes: aligned, from: there + old.from });
        if (aligned < block) add(stretches, { bytes: block - aligned, from: undefined });
      }
      return stretches;
    }
  };
}

/** The distance at which most of what follows `here` is equal, out of the known ones and the index; or undefined. */
function search(pair: Pair, here: number, known: readonly number[]): number | undefined {
  const look = Math.min(LOOK_BYTES, pair.piece.length - here);
  let best: number | undefined;
  let most = look * RESEMBLES;
  const consider = (distance: number) => {
    const equal = pair.equalBytes(here, here + distance, look, most);
    if (equal <= most) return;
    most = equal;
    best = distance;
  };
  known.forEach(consider);
  const last = Math.min(here + BLOCK_BYTES, pair.piece.length - WINDOW_BYTES);
  for (let i = here, tried = 0; i <= last && tried < MOST_PLACES_TRIED && most < look * SAME; i += 1) {
    const there = pair.placeLike(i);
    if (there < 0 || there - i === best) continue;
    consider(there - i);
    tried += 1;
  }
  return best;
}

function add(stretches: Stretch[], { bytes, from }: Stretch): void {
  const before = stretches.at(-1);
  const end = before?.from === undefined ? undefined : before.from + before.bytes;
  if (before && end === from) before.bytes += bytes;
  else stretches.push({ bytes, from });
}

/** A piece of the new file and the old one, compared word by word: `here` is an offset in the one, `there` in the other. */
class Pair {
  readonly piece: Buffer;
  readonly difference: Buffer;
  readonly #old: Buffer;
  readonly #places: Int32Array;
  readonly #unusedBits: number;
  readonly #pieceView: DataView;
  readonly #oldView: DataView;
  readonly #differenceView: DataView;

  constructor(piece: Buffer, { bytes, places }: Old) {
    this.piece = piece;
    this.difference = Buffer.from(piece);
    this.#old = bytes;
    this.#places = places;
    this.#unusedBits = 32 - Math.log2(places.length);
    this.#pieceView = viewOf(piece);
    this.#oldView = viewOf(bytes);
    this.#differenceView = viewOf(this.difference);
  }

  /** How many of `wanted` bytes the old file has from `there` on. */
  reach(there: number, wanted: number): number {
    return there < 0 ? 0 : Math.max(0, Math.min(wanted, this.#old.length - there));
  }

  /** Whether all `count` bytes are equal; the difference is zero then. */
  isSame(here: number, there: number, count: number): boolean {
    if (this.reach(there, count) < count) return false;
    if (this.piece.compare(this.#old, there, there + count, here, here + count) !== 0) return false;
    this.difference.fill(0, here, here + count);
    return true;
  }

  /** How many of `wanted` bytes are equal; counts no further where it can't be more than `toBeat`. */
  equalBytes(here: number, there: number, wanted: number, toBeat: number): number {
    const view = this.#pieceView;
    const oldView = this.#oldView;
    const count = this.reach(there, wanted);
    let equal = 0;
    let i = 0;
    for (; i + 4 <= count && equal + count - i > toBeat; i += 4)
      equal += zeroBytes(view.getUint32(here + i, true) ^ oldView.getUint32(there + i, true));
    for (; i < count && equal + count - i > toBeat; i += 1)
      if (this.piece[here + i] === this.#old[there + i]) equal += 1;
    return equal;
  }

  /** Writes piece less old into the difference, as far as the old file reaches; gives how many bytes are equal. */
  subtract(here: number, there: number, wanted: number): number {
    const view = this.#pieceView;
    const oldView = this.#oldView;
    const out = this.#differenceView;
    const count = this.reach(there, wanted);
    let equal = 0;
    let i = 0;
    for (; i + 4 <= count; i += 4) {
      const word = lessByBytes(view.getUint32(here + i, true), oldView.getUint32(there + i, true));
      out.setUint32(here + i, word, true);
      equal += zeroBytes(word);
    }
    for (; i < count; i += 1) {
      const byte = (view.getUint8(here + i) - oldView.getUint8(there + i)) & 0xff;
      out.setUint8(here + i, byte);
      if (byte === 0) equal += 1;
    }
    if (count < wanted) this.restore(here + count, wanted - count);
    return equal;
  }

  /** Makes the difference the piece itself. */
  restore(here: number, count: number): void {
    this.piece.copy(this.difference, here, here, here + count);
  }

  /** Where the old file has the bytes that begin here, by the index; or -1. */
  placeLike(here: number): number {
    const low = this.#pieceView.getUint32(here, true);
    const high = this.#pieceView.getUint32(here + 4, true);
    const there = this.#places[hash(low, high) >>> this.#unusedBits] as number;
    if (there < 0) return -1;
    return this.#oldView.getUint32(there, true) === low && this.#oldView.getUint32(there + 4, true) === high
      ? there
      : -1;
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function hash(low: number, high: number): number {
  const mixed = Math.imul(low, 0x9e3779b1) ^ Math.imul(high, 0x85ebca77);
  return Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
}

/** The four bytes of a word less those of another, each by itself: their high bits keep a borrow from going further. */
function lessByBytes(word: number, other: number): number {
  return ((word | 0x80808080) - (other & 0x7f7f7f7f)) ^ ((word ^ ~other) & 0x80808080);
}

/** How many of a word's four bytes are zero. */
function zeroBytes(word: number): number {
  const low = ((word & 0x7f7f7f7f) + 0x7f7f7f7f) | 0;
  return Math.imul(~(low | word | 0x7f7f7f7f) >>> 7, 0x01010101) >>> 24;
}

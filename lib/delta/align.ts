import aligner from './assembly/aligner.wasm';
import { packsBetter } from './packs-better.ts';

/** Consecutive bytes of the new file and where they resemble the old one. */
export interface Stretch {
  bytes: number;
  /** Offset in the old file, or `NOWHERE`. */
  from: number;
}

/** Of a stretch that resembles nothing of the old file. */
export const NOWHERE = -(2 ** 31);

export interface Aligned {
  /** Cover the piece without a gap. */
  stretches: Stretch[];
  /**
   * The piece less the old bytes it is aligned with, byte by byte: zero almost everywhere when it is a rebuild of them, and
   * where addresses have moved, mostly the same few numbers. The next piece takes its place.
   */
  difference: Buffer;
}

/** Aligns piece after piece of the new file with a part of the old one. */
export interface Aligner {
  /** Begins a part that lies at that offset of the old file; its bytes are to be put here, and then indexed. */
  begin(from: number): Buffer;
  /** Makes the old bytes found by their looks, from `begin` to `end`: multiples of 16, or the end. */
  index(begin: number, end: number): void;
  /** Where pieces are put that are to be aligned: one can be read while the other is. */
  pieces: readonly [Buffer, Buffer];
  /** `piece` is the beginning of one of `pieces`, `at` its offset in the new file. */
  align(piece: Buffer, at: number): Aligned;
}

/** Of the new file, taken as they are where the difference would be no smaller. */
const CHUNK_BYTES = 65_536;
export const PIECE_BYTES = 4 * CHUNK_BYTES;
/** Two stretches for a block at most, where the old file ends in it; two numbers for each. */
const STRETCHES_BYTES = 16 * (CHUNK_BYTES / 32);
/** Of the old file, one sample each. */
const SAMPLE_BYTES = 16;
const MOST_PLACES = 2 ** 24;
const PAGE_BYTES = 65_536;

/** What assembly/aligner.ts exports. */
interface Assembly {
  free(): number;
  begin(oldAt: number, oldBytes: number, oldFrom: number, placesAt: number, placesBits: number): void;
  index(begin: number, end: number): void;
  take(pieceAt: number, pieceBytes: number, differenceAt: number, stretchesAt: number): void;
  align(begin: number, end: number, at: number): number;
  restore(begin: number, count: number): void;
}

/** For parts of so many old bytes; takes as much memory and a quarter more. */
export async function openAligner(oldBytes: number): Promise<Aligner> {
  const placesBits = Math.ceil(Math.log2(Math.min(MOST_PLACES, Math.max(256, oldBytes / SAMPLE_BYTES))));
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { instance } = await WebAssembly.instantiate(aligner, { env: { memory } });
  const assembly = instance.exports as unknown as Assembly;
  let end = assembly.free();
  const sizes = [oldBytes, 4 * 2 ** placesBits, PIECE_BYTES, PIECE_BYTES, PIECE_BYTES, STRETCHES_BYTES];
  const places = sizes.map((bytes) => {
    const begin = end;
    end = Math.ceil((end + bytes) / 64) * 64;
    return [begin, bytes] as const;
  });
  memory.grow(Math.ceil(end / PAGE_BYTES));
  const [old, index, one, other, difference, list] = places.map(([begin, bytes]) =>
    Buffer.from(memory.buffer, begin, bytes),
  ) as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer];
  const numbers = new Int32Array(memory.buffer, list.byteOffset, STRETCHES_BYTES / 4);
  let begun = false;
  return {
    pieces: [one, other],
    begin: (from) => {
      if (begun) index.fill(0);
      begun = true;
      assembly.begin(old.byteOffset, oldBytes, from, index.byteOffset, placesBits);
      return old;
    },
    index: assembly.index,
    align: (piece, at) => {
      assembly.take(piece.byteOffset, piece.length, difference.byteOffset, list.byteOffset);
      const stretches: Stretch[] = [];
      for (let begin = 0; begin < piece.length; begin += CHUNK_BYTES) {
        const end = Math.min(begin + CHUNK_BYTES, piece.length);
        const found = assembly.align(begin, end, at);
        if (packsBetter(piece.subarray(begin, end), difference.subarray(begin, end))) {
          assembly.restore(begin, end - begin);
          add(stretches, { bytes: end - begin, from: NOWHERE });
        } else {
          for (const [bytes, from] of pairs(numbers.subarray(0, 2 * found))) add(stretches, { bytes, from });
        }
      }
      return { stretches, difference: difference.subarray(0, piece.length) };
    },
  };
}

function* pairs(numbers: Int32Array): Generator<[number, number]> {
  for (let at = 0; at < numbers.length; at += 2) yield [numbers[at] as number, numbers[at + 1] as number];
}

function add(stretches: Stretch[], { bytes, from }: Stretch): void {
  const before = stretches.at(-1);
  const end = before && (before.from === NOWHERE ? NOWHERE : before.from + before.bytes);
  if (before && end === from) before.bytes += bytes;
  else stretches.push({ bytes, from });
}

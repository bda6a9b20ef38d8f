/*
 * The part of a delta that looks at every byte, in AssemblyScript: compiled to WebAssembly, whose vector instructions compare and
 * subtract sixteen bytes at a time. The caller puts both files' bytes into the memory and says where they are; `there` and `here` are
 * offsets from the beginnings of the old part and of the piece of the new file.
 */

/** Bytes compared before going on or looking elsewhere. */
const BLOCK_BYTES: i32 = 32;
/** Bytes compared at once, a multiple of that: much of a rebuild is the same. */
const SWEEP_BYTES: i32 = 1024;
/** Of a block, that must be equal to go on with the present shift: 7 of 10. */
const ENOUGH: i32 = 7;
/** Bytes by which places are compared with each other. */
const LOOK_BYTES: i32 = 128;
/** Of those, that must be equal for a place to be better than none: 3 of 10. */
const RESEMBLES: i32 = 3;
/** Of those, that are equal at a place that is as good as any: 9 of 10. */
const SAME: i32 = 9;
/** Bytes that are hashed, at every `SAMPLE_BYTES`th offset of the old file. */
const WINDOW_BYTES: i32 = 8;
const SAMPLE_BYTES: i32 = 16;
const MOST_PLACES_TRIED: i32 = 16;
const RECENT_SHIFTS: i32 = 8;
/** Blocks not looked up after searches that found nothing better: where there was nothing, the next block has seldom more. */
const MOST_RESTING: i32 = 3;
/** Marks a stretch that resembles nothing of the old file. */
const NOWHERE: i32 = i32.MIN_VALUE;

let old: usize;
let oldBytes: i32;
/** Where the old part begins in its file. */
let oldFrom: i32;
/** 32-bit numbers: one more than the offset of a sample, by its hash; 0 for none. */
let places: usize;
let unusedBits: i32;
let piece: usize;
let pieceBytes: i32;
/** The piece less the old bytes it is aligned with, byte by byte. */
let difference: usize;
/** Pairs of 32-bit numbers: how many bytes, and where they resemble the old file, or NOWHERE. */
let stretches: usize;
let found: i32;

/** Old offset - new offset of what was aligned last; those before, the latest first. */
let shift: i32;
const recent = memory.data(4 * RECENT_SHIFTS);
let recents: i32;
let fruitless: i32;
let resting: i32;

/** The memory from here on is the caller's. */
export function free(): usize {
  return __heap_base;
}

/** A part of the old file, whose bytes are to be put at `oldAt` and then indexed; `2 ** bits` places, all 0. */
export function begin(oldAt: usize, bytes: i32, from: i32, placesAt: usize, bits: i32): void {
  old = oldAt;
  oldBytes = bytes;
  oldFrom = from;
  places = placesAt;
  unusedBits = 32 - bits;
  shift = -from;
  recents = 0;
}

/** Indexes the old bytes from `first` to `end`, a multiple of 16 and another or the end. */
export function index(first: i32, end: i32): void {
  const last = min(end, oldBytes - WINDOW_BYTES + 1);
  for (let at = first; at < last; at += SAMPLE_BYTES) {
    const window = load<u64>(old + at);
    // Zeros and fills look alike everywhere.
    if (<u32>window !== <u32>(window >> 32)) store<i32>(placeOf(window), at + 1);
  }
}

/** The piece of the new file to be aligned next: `bytes` at `pieceAt`. */
export function take(pieceAt: usize, bytes: i32, differenceAt: usize, stretchesAt: usize): void {
  piece = pieceAt;
  pieceBytes = bytes;
  difference = differenceAt;
  stretches = stretchesAt;
}

/**
 * Aligns the piece from `first` to `end`, `at` being the piece's offset in the new file. Code and debug data move by whole runs in
 * which only scattered bytes differ, so the shift is kept while enough of the next block is equal; else a few recent shifts and
 * what the index knows are compared over a longer stretch, and the best is taken. Gives how many stretches were written.
 */
export function align(first: i32, end: i32, at: i32): i32 {
  found = 0;
  let here = first;
  while (here < end) {
    const distance = at + shift;
    if (here % SWEEP_BYTES === 0 && here + SWEEP_BYTES <= end && isSame(here, here + distance, SWEEP_BYTES)) {
      add(SWEEP_BYTES, here + distance + oldFrom);
      here += SWEEP_BYTES;
      continue;
    }
    const block = min(BLOCK_BYTES, end - here);
    const equal = subtract(here, here + distance, block);
    if (equal * 10 >= block * ENOUGH || lookElsewhere(here, at, block, equal)) {
      addReached(here, at + shift, block);
    } else {
      restore(here, block);
      add(block, NOWHERE);
    }
    here += block;
  }
  return found;
}

/** Where too little is equal: goes over to the best shift there is. Whether the block resembles the old file by the shift then. */
function lookElsewhere(here: i32, at: i32, block: i32, equal: i32): bool {
  if (resting > 0) {
    resting -= 1;
    return equal * 10 >= block * RESEMBLES;
  }
  const resembles = search(here, at);
  if (resembles && best !== at + shift) {
    fruitless = 0;
    remember(best - at);
    subtract(here, here + best, block);
  } else {
    fruitless += 1;
    resting = min(fruitless >> 1, MOST_RESTING);
  }
  return resembles;
}

/** Makes the difference the piece itself. */
export function restore(here: i32, count: i32): void {
  memory.copy(difference + here, piece + here, count);
}

/** The distance at which most of what follows `here` is equal, out of the known ones and the index. */
let best: i32;
let most: i32;

function search(here: i32, at: i32): bool {
  const look = min(LOOK_BYTES, pieceBytes - here);
  const least = (look * RESEMBLES) / 10;
  most = least;
  consider(here, at + shift, look);
  for (let i = 0; i < recents; i += 1) consider(here, at + load<i32>(recent + ((<usize>i) << 2)), look);
  const last = min(here + BLOCK_BYTES, pieceBytes - WINDOW_BYTES);
  let tried = 0;
  for (let i = here; i <= last && tried < MOST_PLACES_TRIED && most * 10 < look * SAME; i += 1) {
    const there = placeLike(i);
    if (there < 0 || (most > least && there - i === best)) continue;
    consider(here, there - i, look);
    tried += 1;
  }
  return most > least;
}

function consider(here: i32, distance: i32, look: i32): void {
  const equal = equalBytes(here, here + distance, look);
  if (equal <= most) return;
  most = equal;
  best = distance;
}

/** The shift so far becomes the latest of the recent ones, in the place of the next one if that is among them. */
function remember(next: i32): void {
  let moving = shift;
  shift = next;
  for (let i = 0; i < RECENT_SHIFTS && moving !== next; i += 1) {
    const at = recent + ((<usize>i) << 2);
    const after = i < recents ? load<i32>(at) : next;
    store<i32>(at, moving);
    if (i === recents) recents += 1;
    moving = after;
  }
}

/** As far as the old file reaches from there, the block resembles it. */
function addReached(here: i32, distance: i32, block: i32): void {
  const aligned = reach(here + distance, block);
  if (aligned > 0) add(aligned, here + distance + oldFrom);
  if (aligned < block) add(block - aligned, NOWHERE);
}

function add(bytes: i32, from: i32): void {
  const last = stretches + ((<usize>found - 1) << 3);
  if (found > 0) {
    const before = load<i32>(last);
    const begun = load<i32>(last, 4);
    if (begun === NOWHERE ? from === NOWHERE : begun + before === from) {
      store<i32>(last, before + bytes);
      return;
    }
  }
  store<i32>(last + 8, bytes);
  store<i32>(last + 8, from, 4);
  found += 1;
}

/** How many of `wanted` bytes the old file has from `there` on. */
function reach(there: i32, wanted: i32): i32 {
  return there < 0 ? 0 : max(0, min(wanted, oldBytes - there));
}

/** Whether all `count` bytes, a multiple of 16, are equal; the difference is zero then. */
function isSame(here: i32, there: i32, count: i32): bool {
  if (reach(there, count) < count) return false;
  for (let i = 0; i < count; i += 16) {
    if (v128.any_true(v128.xor(v128.load(piece + here + i), v128.load(old + there + i)))) return false;
  }
  memory.fill(difference + here, 0, count);
  return true;
}

/** How many of `wanted` bytes are equal. */
function equalBytes(here: i32, there: i32, wanted: i32): i32 {
  const count = reach(there, wanted);
  let equal = 0;
  let i = 0;
  for (; i + 16 <= count; i += 16) {
    equal += popcnt(i8x16.bitmask(i8x16.eq(v128.load(piece + here + i), v128.load(old + there + i))));
  }
  for (; i < count; i += 1) {
    if (load<u8>(piece + here + i) === load<u8>(old + there + i)) equal += 1;
  }
  return equal;
}

/** Writes piece less old into the difference, as far as the old file reaches; gives how many bytes are equal. */
function subtract(here: i32, there: i32, wanted: i32): i32 {
  const count = reach(there, wanted);
  let equal = 0;
  let i = 0;
  for (; i + 16 <= count; i += 16) {
    const bytes = i8x16.sub(v128.load(piece + here + i), v128.load(old + there + i));
    v128.store(difference + here + i, bytes);
    equal += popcnt(i8x16.bitmask(i8x16.eq(bytes, i8x16.splat(0))));
  }
  for (; i < count; i += 1) {
    const byte = <u8>(load<u8>(piece + here + i) - load<u8>(old + there + i));
    store<u8>(difference + here + i, byte);
    if (byte === 0) equal += 1;
  }
  if (count < wanted) restore(here + count, wanted - count);
  return equal;
}

/** Where the old file has the bytes that begin here, by the index; or -1. */
function placeLike(here: i32): i32 {
  const window = load<u64>(piece + here);
  const there = load<i32>(placeOf(window)) - 1;
  return there >= 0 && load<u64>(old + there) === window ? there : -1;
}

function placeOf(window: u64): usize {
  const low = <u32>window;
  const high = <u32>(window >> 32);
  const mixed = (low * 0x9e3779b1) ^ (high * 0x85ebca77);
  return places + ((<usize>(((mixed ^ (mixed >>> 15)) * 0x2c1b3c6d) >>> unusedBits)) << 2);
}

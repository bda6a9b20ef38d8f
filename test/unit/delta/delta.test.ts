import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openAligner } from '../../../lib/delta/align.ts';
import { deltaOf } from '../../../lib/delta/delta.ts';
import program from '../../../target/programs/apply-delta.pl';

const MIB = 1 << 20;
let folder = '';
beforeAll(() => {
  folder = mkdtempSync('/tmp/fdt-delta-');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('what perl makes of the old file and the delta is the new file', () => {
  const random = randomBytes(300_000);
  const program = programLike(2 * MIB + 12_345);
  test.each<[string, Buffer, Buffer]>([
    ['of an empty one', random, Buffer.alloc(0)],
    ['from an empty one', Buffer.alloc(0), random],
    ['of one byte', Buffer.from('a'), Buffer.from('b')],
    ['from fewer bytes than a window', Buffer.from('abc'), random.subarray(0, 4000)],
    ['of the same bytes', program, program],
    ['of unrelated ones', random, randomBytes(300_000)],
    ['of zeros from something', program, Buffer.alloc(MIB)],
    ['of something from zeros', Buffer.alloc(MIB), program],
    ['of a part from its middle', program, program.subarray(777_777, 1_777_778)],
    ['of twice the old one', program, Buffer.concat([program, program])],
  ])('%s', async (_, old, fresh) => {
    expect((await thereAndBack(old, fresh)).equals(fresh)).toBe(true);
  });

  test.each([7, 8, 31, 32, 33, 127, 128, 129, MIB - 1, MIB, MIB + 1, 2 * MIB])('for %i bytes', async (bytes) => {
    const old = programLike(bytes);
    const fresh = edited(old, bytes);
    expect((await thereAndBack(old, fresh)).equals(fresh)).toBe(true);
  });

  test('whatever is edited, inserted, removed and moved', async () => {
    const old = programLike(400_000);
    for (let seed = 1; seed <= 8; seed += 1) {
      const fresh = edited(old, seed);
      expect((await thereAndBack(old, fresh)).equals(fresh), `seed ${seed}`).toBe(true);
    }
  });
});

describe('the delta of a rebuild', () => {
  const old = programLike(3 * MIB);

  test('in which everything moved by a few bytes is next to nothing', async () => {
    const fresh = Buffer.concat([old.subarray(0, 1000), Buffer.from('one more line'), old.subarray(1000)]);
    expect(gzipSync(await delta(old, fresh)).length).toBeLessThan(gzipSync(fresh).length / 50);
  });

  test('in which blocks changed their places is small', async () => {
    const parts = [0, 1, 2, 3, 4, 5].map((part) => old.subarray(part * MIB * 0.5, (part + 1) * MIB * 0.5));
    const fresh = Buffer.concat([3, 0, 5, 1, 4, 2].map((part) => parts[part] as Buffer));
    expect(gzipSync(await delta(old, fresh)).length).toBeLessThan(gzipSync(fresh).length / 50);
  });

  test('in which every tenth word differs is smaller than the file by far', async () => {
    const fresh = Buffer.from(old);
    for (let at = 0; at + 4 <= fresh.length; at += 40) fresh.writeInt32LE(fresh.readInt32LE(at) ^ 0x10, at);
    expect(gzipSync(await delta(old, fresh)).length).toBeLessThan(gzipSync(fresh).length / 20);
  });
});

test('what packs better than its difference is sent as it is', async () => {
  const code = programLike(64 * 1024);
  const next = generator(7);
  const table = (entry: () => number) => {
    const made = Buffer.alloc(MIB);
    for (let at = 0; at < MIB; at += 8) made.writeUIntLE(entry() & 0xffffff, at, 3);
    return Buffer.concat([code, made]);
  };
  const [old, fresh] = [table(next), table(() => 0x3a3557)];
  const whole = await delta(old, fresh);
  expect(gzipSync(whole).length).toBeLessThan(10_000);
  expect(apply(old, whole).equals(fresh)).toBe(true);
});

test('of files too large for memory each part is compared with its own region, in the memory of the one before', async () => {
  const regions = [randomBytes(MIB), randomBytes(MIB)];
  const aligner = await openAligner(MIB);
  for (const [index, region] of regions.entries()) {
    const from = index * 200 * MIB;
    region.copy(aligner.begin(from));
    aligner.index(0, region.length);
    const [piece] = aligner.pieces;
    region.copy(piece, 0, 5, 5 + piece.length);
    const last = aligner.align(piece, from).stretches.at(-1);
    expect(last?.bytes).toBeGreaterThan(0.9 * piece.length);
    expect((last?.from ?? 0) + (last?.bytes ?? 0)).toBe(from + 5 + piece.length);
  }
});

describe('the program of the target', () => {
  test('refuses a delta that was cut', async () => {
    const old = programLike(100_000);
    const whole = await delta(old, edited(old, 3));
    for (const bytes of [5, 12, whole.length - 1]) {
      expect(() => apply(old, whole.subarray(0, bytes))).toThrow('ends in the middle');
    }
  });

  test.each(['ln -s old link', 'mkfifo link', 'mkdir link'])('reads nothing after `%s`', (command) => {
    rmSync(`${folder}/link`, { force: true, recursive: true });
    writeFileSync(`${folder}/old`, 'old');
    execFileSync('/bin/sh', ['-c', command], { cwd: folder });
    const run = () =>
      execFileSync('perl', ['-e', program, `${folder}/link`], { input: '', stdio: 'pipe', timeout: 4000 });
    expect(run).toThrow('the present file');
  });
});

async function thereAndBack(old: Buffer, fresh: Buffer): Promise<Buffer> {
  return apply(old, await delta(old, fresh));
}

async function delta(old: Buffer, fresh: Buffer): Promise<Buffer> {
  writeFileSync(`${folder}/old`, old);
  writeFileSync(`${folder}/fresh`, fresh);
  await using oldFile = await open(`${folder}/old`);
  await using freshFile = await open(`${folder}/fresh`);
  const pieces: Buffer[] = [];
  for await (const piece of deltaOf(
    { handle: freshFile, bytes: fresh.length },
    { handle: oldFile, bytes: old.length },
  )) {
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function apply(old: Buffer, input: Buffer): Buffer {
  writeFileSync(`${folder}/old`, old);
  return execFileSync('perl', ['-e', program, `${folder}/old`], { input, maxBuffer: 2 ** 30, stdio: 'pipe' });
}

/** Bytes that look like code: repeated runs with scattered addresses. */
function programLike(bytes: number): Buffer {
  const next = generator(bytes);
  const made = Buffer.alloc(bytes);
  const runs = Array.from({ length: 64 }, () => Buffer.from(Array.from({ length: 24 }, () => next() & 0xff)));
  for (let at = 0; at < bytes; at += 28) {
    (runs[next() % runs.length] as Buffer).copy(made, at);
    if (at + 28 <= bytes) made.writeInt32LE(next() | 0, at + 24);
  }
  return made;
}

/** Some changes, always the same for a seed. */
function edited(old: Buffer, seed: number): Buffer {
  const next = generator(seed);
  let fresh = Buffer.from(old);
  for (let change = 0; change < 12; change += 1) {
    const at = next() % Math.max(1, fresh.length);
    const bytes = next() % Math.max(2, Math.min(50_000, fresh.length));
    const middle = fresh.subarray(at, at + bytes);
    const inserted = Buffer.from(Array.from({ length: next() % 100 }, () => next() & 0xff));
    const [head, tail] = [fresh.subarray(0, at), fresh.subarray(at + bytes)];
    const kinds = [
      [head, inserted, middle, tail],
      [head, tail],
      [middle, head, tail],
      [head, middle, middle, tail],
    ];
    fresh = Buffer.concat(kinds[next() % kinds.length] as Buffer[]);
    if (fresh.length > 0) fresh[next() % fresh.length] = next() & 0xff;
  }
  return fresh;
}

function generator(seed: number): () => number {
  let state = seed * 2_654_435_761 + 1;
  return () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    return (state ^ (state >>> 13)) >>> 0;
  };
}

import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { upload } from '../../../lib/ssh/upload.ts';

const BLOCK = Buffer.alloc(256 * 1024);

/** Sixteen blocks, each made in so many milliseconds. */
async function* blocks(ms: number) {
  for (let made = 0; made < 16; made += 1) {
    await sleep(ms);
    yield BLOCK;
  }
}

/** A link that carries so many bytes a second. */
function linkOf(bytesPerSecond: number) {
  return new Writable({
    highWaterMark: 1,
    write: (block: Buffer, _encoding, done) => void setTimeout(done, (block.length / bytesPerSecond) * 1000),
  });
}

test('the rate of a link is measured by how long it was waited for', async () => {
  const { bytes, bytesPerSecond = 0 } = await upload(blocks(0), linkOf(12e6), { stallSeconds: 5 });
  expect(bytes).toBe(16 * BLOCK.length);
  expect(bytesPerSecond).toBeGreaterThan(8e6);
  expect(bytesPerSecond).toBeLessThan(13e6);
});

test('and not at all where the bytes were made no faster than it carries them', async () => {
  const { bytesPerSecond } = await upload(blocks(30), linkOf(18e6), { stallSeconds: 5 });
  expect(bytesPerSecond).toBeUndefined();
});

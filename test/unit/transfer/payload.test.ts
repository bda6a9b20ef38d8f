import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Payload, PayloadError, spooled, streamed } from '../../../lib/transfer/payload.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync('/tmp/fdt-payload-');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const BLOCKS = Array.from({ length: 40 }, (_, index) => Buffer.alloc(300_000, index));

test('what is made once reaches every reader whole, the early, the slow and the late one', async () => {
  let made = 0;
  await using payload = await spooled(async function* () {
    made += 1;
    for (const block of BLOCKS) {
      await new Promise(setImmediate);
      yield block;
    }
  }, folder);
  const early = [all(payload), all(payload), all(payload, 1)];
  const read = [...(await Promise.all(early)), await all(payload)];
  for (const bytes of read) expect(bytes.equals(Buffer.concat(BLOCKS))).toBe(true);
  expect(made).toBe(1);
});

test('nothing of it can be seen in the folder, even while it is made', async () => {
  await using payload = await spooled(async function* () {
    yield* BLOCKS;
  }, folder);
  await all(payload);
  expect(readdirSync(folder)).toEqual([]);
});

test('what fails in the making fails at every reader, and says that no target is to blame', async () => {
  const make = async function* () {
    yield Buffer.from('begun');
    throw new Error('the disk is full');
  };
  await using spool = await spooled(make, folder);
  for (const payload of [spool, spool, streamed(make)]) {
    await expect(all(payload)).rejects.toThrow(new PayloadError('the disk is full'));
  }
});

test('the making waits for readers, and goes on when the foremost one leaves', async () => {
  let made = 0;
  await using payload = await spooled(async function* () {
    for (;;) {
      if (made === 250) return;
      made += 1;
      yield Buffer.alloc(300_000, made);
    }
  }, folder);
  for await (const _ of payload.read()) break;
  expect((await all(payload)).length).toBe(250 * 300_000);
});

test('a step that ends leaves nothing waiting', async () => {
  let stopped = false;
  const payload = await spooled(async function* () {
    try {
      for (;;) yield Buffer.alloc(1_000_000);
    } finally {
      stopped = true;
    }
  }, folder);
  await payload[Symbol.asyncDispose]();
  expect(stopped).toBe(true);
});

async function all(payload: Payload, pauseMs = 0): Promise<Buffer> {
  const blocks: Buffer[] = [];
  for await (const block of payload.read()) {
    blocks.push(block);
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return Buffer.concat(blocks);
}

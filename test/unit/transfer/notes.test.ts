import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readNote, writeNote } from '../../../lib/transfer/notes.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync('/tmp/fdt-notes-');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const NOTE = {
  bytesPerSecond: 2_500_000,
  roundTripMs: 51.5,
  left: ['a'.repeat(64), 'b'.repeat(64)],
  deltaBy: 'zstd' as const,
};

test('a note is read as it was written, by its key alone', async () => {
  await writeNote(folder, 'root@web-1 /opt/app', NOTE);
  expect(await readNote(folder, 'root@web-1 /opt/app')).toEqual(NOTE);
  expect(await readNote(folder, 'root@web-2 /opt/app')).toEqual({});
  const names = readdirSync(folder);
  expect(names).toHaveLength(1);
  expect(statSync(`${folder}/${names[0]}`).mode & 0o777).toBe(0o600);
});

test.each(['', '{', 'null', '[]', '{"left":["../../etc/passwd"],"bytesPerSecond":-1}'])(
  'of a damaged one (%s) nothing is believed',
  async (text) => {
    await writeNote(folder, 'key', NOTE);
    writeFileSync(`${folder}/${readdirSync(folder)[0]}`, text);
    expect(await readNote(folder, 'key')).toEqual({});
  },
);

test('a folder that is not there has no notes', async () => {
  expect(await readNote(`${folder}/none`, 'key')).toEqual({});
});

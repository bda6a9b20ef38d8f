import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keptFolder, openKept } from '../../../lib/transfer/kept.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync('/tmp/fdt-kept-');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test('a kept file is found again by its digest, and only the account itself can read it', async () => {
  const kept = await openKept(`${root}/kept`);
  const sha256 = source('v1');
  await kept.keep(`${root}/v1`, sha256);
  const found = await kept.open(sha256);
  expect(found?.bytes).toBe(2);
  expect((await found?.handle.readFile())?.toString()).toBe('v1');
  await found?.handle.close();
  expect(statSync(`${root}/kept`).mode & 0o777).toBe(0o700);
  expect(statSync(`${root}/kept/${sha256}`).mode & 0o777).toBe(0o600);
  expect(readdirSync(`${root}/kept`)).toEqual([sha256]);
});

test('what is not there is not found', async () => {
  expect(await (await openKept(`${root}/kept`)).open('0'.repeat(64))).toBeUndefined();
});

test.each(['other bytes', 'v'])('a damaged entry (%s) is dropped, and can be kept anew', async (damage) => {
  const kept = await openKept(`${root}/kept`);
  const sha256 = source('v1');
  await kept.keep(`${root}/v1`, sha256);
  writeFileSync(`${root}/kept/${sha256}`, damage);
  expect(await kept.open(sha256)).toBeUndefined();
  expect(existsSync(`${root}/kept/${sha256}`)).toBe(false);
  await kept.keep(`${root}/v1`, sha256);
  await (await kept.open(sha256))?.handle.close();
  expect(existsSync(`${root}/kept/${sha256}`)).toBe(true);
});

test('a link in the place of an entry is not followed', async () => {
  const kept = await openKept(`${root}/kept`);
  const sha256 = source('v1');
  symlinkSync(`${root}/v1`, `${root}/kept/${sha256}`);
  expect(await kept.open(sha256)).toBeUndefined();
});

test('a folder that is a link, or that others may write to, is not taken as it is', async () => {
  mkdirSync(`${root}/elsewhere`);
  symlinkSync(`${root}/elsewhere`, `${root}/link`);
  await expect(openKept(`${root}/link`)).rejects.toThrow('is not a folder');
  mkdirSync(`${root}/open`);
  chmodSync(`${root}/open`, 0o777);
  await openKept(`${root}/open`);
  expect(statSync(`${root}/open`).mode & 0o777).toBe(0o700);
});

test.each([
  '../canary',
  '..',
  '.',
  '',
  'a'.repeat(63),
  `${'a'.repeat(64)}/../../canary`,
  `${'A'.repeat(64)}`,
  'note-1',
])('what is not a digest (%j) reaches no file', async (text) => {
  mkdirSync(`${root}/canary`);
  writeFileSync(`${root}/canary/file`, 'stays');
  writeFileSync(`${root}/v1`, 'v1');
  const kept = await openKept(`${root}/kept`);
  expect(await kept.open(text)).toBeUndefined();
  await expect(kept.keep(`${root}/v1`, text)).rejects.toThrow('not a sha256');
  expect(readdirSync(`${root}/canary`)).toEqual(['file']);
  expect(readdirSync(`${root}/kept`)).toEqual([]);
});

test('each project of each forge has a folder of its own, and no text of theirs is in its name', () => {
  const projects = [
    { serverUrl: 'https://forge.example', repository: 'team/service' },
    { serverUrl: 'https://forge.example', repository: 'team/../other' },
    { serverUrl: 'https://other.example', repository: 'team/service' },
    { serverUrl: 'https://forge.example/team', repository: '/service' },
  ];
  const folders = projects.map((project) => keptFolder('/cache', project));
  expect(new Set(folders).size).toBe(projects.length);
  for (const folder of folders) expect(folder).toMatch(/^\/cache\/forgejo-deploy-toolkit\/[0-9a-f]{32}$/);
});

test('the bytes of all projects together are bounded, the files of each', async () => {
  const [one, other] = ['a', 'b'].map((name) => `${root}/kept/${name.repeat(32)}`) as [string, string];
  const bounds = { files: 2, bytes: 6 };
  const digests = ['aa', 'bb', 'cc', 'dd'].map(source);
  const ours = await openKept(one, bounds);
  const theirs = await openKept(other, bounds);
  await theirs.keep(`${root}/aa`, digests[0] as string);
  utimesSync(`${other}/${digests[0]}`, 1000, 1000);
  await ours.keep(`${root}/bb`, digests[1] as string);
  utimesSync(`${one}/${digests[1]}`, 2000, 2000);
  await ours.keep(`${root}/cc`, digests[2] as string);
  expect([...readdirSync(one), ...readdirSync(other)].sort()).toEqual(digests.slice(0, 3).sort());
  await theirs.keep(`${root}/dd`, digests[3] as string);
  expect([...readdirSync(one), ...readdirSync(other)].sort()).toEqual(digests.slice(1).sort());
});

test('what was used longest ago goes when there are too many or they are too large', async () => {
  const kept = await openKept(`${root}/kept`, { files: 3, bytes: 10 });
  const digests = ['aa', 'bb', 'cc', 'dddd', 'eeeee'].map(source);
  for (const [index, sha256] of digests.slice(0, 3).entries()) {
    await kept.keep(`${root}/${['aa', 'bb', 'cc'][index]}`, sha256);
    utimesSync(`${root}/kept/${sha256}`, 1000 + index, 1000 + index);
  }
  const [aa, bb, cc, dddd, eeeee] = digests as [string, string, string, string, string];
  await (await kept.open(aa))?.handle.close();
  await kept.keep(`${root}/dddd`, dddd);
  expect(readdirSync(`${root}/kept`).sort()).toEqual([aa, cc, dddd].sort());
  utimesSync(`${root}/kept/${aa}`, 2000, 2000);
  await kept.keep(`${root}/eeeee`, eeeee);
  expect(readdirSync(`${root}/kept`).sort()).toEqual([dddd, eeeee].sort());
  expect(bb).not.toBe(aa);
});

test('what a job that died left unfinished goes, what another one is just writing stays', async () => {
  const kept = await openKept(`${root}/kept`);
  for (const name of ['.new-dead', '.new-alive']) writeFileSync(`${root}/kept/${name}`, 'half');
  utimesSync(`${root}/kept/.new-dead`, 1000, 1000);
  await kept.keep(`${root}/v1`, source('v1'));
  expect(readdirSync(`${root}/kept`).filter((name) => name.startsWith('.'))).toEqual(['.new-alive']);
});

test('many jobs that keep and open at once see whole files or none', async () => {
  const digests = Array.from({ length: 6 }, (_, index) => source(`program ${index}`.repeat(20_000)));
  const jobs = Array.from({ length: 8 }, async (_, job) => {
    const kept = await openKept(`${root}/kept`, { files: 3, bytes: 1e9 });
    for (let round = 0; round < 6; round += 1) {
      const index = (job + round) % 6;
      await kept.keep(`${root}/${nameOf(`program ${index}`.repeat(20_000))}`, digests[index] as string);
      const found = await kept.open(digests[(index + 1) % 6] as string);
      if (found) expect(found.bytes).toBe(180_000);
      await found?.handle.close();
    }
  });
  await Promise.all(jobs);
  expect(readdirSync(`${root}/kept`).every((name) => digests.includes(name))).toBe(true);
});

function source(text: string): string {
  writeFileSync(`${root}/${nameOf(text)}`, text);
  return createHash('sha256').update(text).digest('hex');
}

function nameOf(text: string): string {
  return text.slice(0, 12);
}

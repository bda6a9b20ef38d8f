import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compareTrees, isUnchanged, modesOf, treeDigest } from '../../../lib/tree/compare-trees.ts';
import type { FoundEntry, SourceEntry } from '../../../lib/tree/entry.ts';
import { parseListing } from '../../../lib/tree/parse-listing.ts';
import { excluding } from '../../../lib/tree/patterns.ts';
import { scanTree } from '../../../lib/tree/scan-tree.ts';
import { treeStream } from '../../../lib/tree/tar-stream.ts';
import { unpackListing } from '../../../lib/tree/unpack-listing.ts';

const NOTHING = { exclude: [], keep: [] };
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(`${tmpdir()}/fdt-tree-`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ['*.map', 'a.map', true],
  ['*.map', 'deep/in/a.map', true],
  ['*.map', 'a.map.js', false],
  ['/a.js', 'a.js', true],
  ['/a.js', 'b/a.js', false],
  ['b/*.js', 'b/a.js', true],
  ['b/*.js', 'b/c/a.js', false],
  ['b/**/*.js', 'b/c/d/a.js', true],
  ['b/**/*.js', 'b/a.js', true],
  ['**/tmp', 'x/y/tmp', true],
  ['a?c', 'abc', true],
  ['a?c', 'a/c', false],
  ['[a-c].js', 'b.js', true],
  ['[!a-c].js', 'b.js', false],
  ['a.js', 'axjs', false],
  ['(x)+', '(x)+', true],
  ['größe*', 'größer', true],
])('%s excludes %s: %s', (pattern, path, expected) => {
  expect(excluding([pattern])(path, false)).toBe(expected);
});

test('a pattern that ends in a slash excludes folders alone', () => {
  const excluded = excluding(['cache/']);
  expect([excluded('a/cache', true), excluded('a/cache', false)]).toEqual([true, false]);
});

describe('a source', () => {
  test('with what can not be on a target is refused, with every reason', async () => {
    const root = `${folder}/odd`;
    mkdirSync(root);
    mkdirSync(`${root}/in`);
    writeFileSync(`${root}/setuid`, '');
    chmodSync(`${root}/setuid`, 0o4755);
    execFileSync('mkfifo', [`${root}/pipe`]);
    for (const [name, target] of Object.entries({
      a: '/etc/passwd',
      b: '../x',
      c: 'in/../../x',
      'in/d': '../../x',
      'in/fine': '../setuid',
      e: '.',
    }))
      symlinkSync(target, `${root}/${name}`);
    writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff])]), '');
    mkdirSync(`${root}/.forgejo-deploy-lists`);
    expect((await scanTree(root, NOTHING)).problems.sort()).toEqual([
      '.forgejo-deploy-lists has a name that this action uses itself',
      'a is a link out of the folder, to /etc/passwd',
      'b is a link out of the folder, to ../x',
      'c is a link out of the folder, to in/../../x',
      'in/d is a link out of the folder, to ../../x',
      'pipe is a device, a pipe or a socket',
      'setuid has a set-ID bit',
      'the name of � is not UTF-8',
    ]);
  });

  test.each([
    ['gone', 'the folder FOLDER/gone does not exist on the runner'],
    ['file', 'FOLDER/file is not a folder'],
  ])('%s is refused', async (name, problem) => {
    writeFileSync(`${folder}/file`, '');
    expect((await scanTree(`${folder}/${name}`, NOTHING)).problems).toEqual([problem.replace('FOLDER', folder)]);
  });

  test('leaves out what is excluded and what belongs to the host, with all that is in it', async () => {
    const root = `${folder}/part`;
    for (const path of ['a', 'cache/x', 'uploads/y', 'b.map']) {
      mkdirSync(`${root}/${path}/..`.replace(/[^/]+\/\.\.$/, ''), { recursive: true });
      writeFileSync(`${root}/${path}`, '');
    }
    const { entries } = await scanTree(root, { exclude: ['cache/', '*.map'], keep: ['uploads'] });
    expect(entries.map(({ path }) => path)).toEqual(['a']);
  });
});

const wanted = (path: string, more: Partial<SourceEntry> = {}): SourceEntry => ({
  ...{ path, kind: 'file', sha256: path.padEnd(64, '0'), bytes: 1, executable: false, target: '', modified: 1 },
  ...more,
});
const found = (path: string, more: Partial<FoundEntry> = {}): FoundEntry => ({
  ...{ path, kind: 'file', sha256: path.padEnd(64, '0'), bytes: 1, executable: false, mode: 0o644, uid: 0, gid: 0 },
  ...more,
});
const AS_ROOT = { modes: modesOf(0o644), owner: { uid: 0, gid: 0 }, reuse: true };

test.each([
  ['the same', [wanted('a')], [found('a')], {}],
  ['another content', [wanted('a', { sha256: 'f' })], [found('a')], { sent: ['a'] }],
  ['a new file', [wanted('a'), wanted('b')], [found('a')], { sent: ['b'] }],
  ['another name', [wanted('b', { sha256: 'f' })], [found('a', { sha256: 'f' })], { moved: ['b'], deleted: ['a'] }],
  ['a file too many', [wanted('a')], [found('a'), found('b')], { deleted: ['b'] }],
  ['another mode', [wanted('a', { executable: true })], [found('a')], { relabelled: ['a'] }],
  ['another owner', [wanted('a')], [found('a', { uid: 7 })], { relabelled: ['a'] }],
  ['another group', [wanted('a')], [found('a', { gid: 7 })], { relabelled: ['a'] }],
  ['a folder where a file was', [wanted('a', { kind: 'folder', sha256: '' })], [found('a')], { added: ['a'] }],
  ['a file that could not be read', [wanted('a')], [found('a', { sha256: '' })], { sent: ['a'] }],
  ['a link elsewhere', [wanted('a', { kind: 'link', sha256: 'f' })], [found('a', { kind: 'link' })], { added: ['a'] }],
])('a tree with %s', (_, tree, there, expected) => {
  const { same, ...change } = compareTrees(tree, there, AS_ROOT);
  const paths = Object.entries(change).map(([name, list]) => [
    name,
    list.map((one) => (typeof one === 'string' ? one : 'to' in one ? one.to.path : one.path)),
  ]);
  expect(Object.fromEntries(paths.filter(([, list]) => (list ?? []).length > 0))).toEqual(expected);
  expect(isUnchanged({ same, ...change }, tree)).toBe(Object.keys(expected).length === 0);
});

test('bytes of another account are sent again, because it could change them while they are copied', () => {
  const change = compareTrees([wanted('a')], [found('a')], { ...AS_ROOT, reuse: false });
  expect(change.sent.map(({ path }) => path)).toEqual(['a']);
});

test('the digest of a tree is that of names, kinds and contents, wherever it is', () => {
  expect(treeDigest([wanted('a'), wanted('b')])).toBe(
    treeDigest([found('b', { uid: 7 }), found('a'), found('', { kind: 'folder' })]),
  );
  expect(treeDigest([wanted('a')])).not.toBe(treeDigest([wanted('a', { kind: 'link' })]));
  expect(treeDigest([wanted('a\nfile')])).not.toBe(treeDigest([wanted('a'), wanted('file')]));
});

test('of a listing only lines of its form are read, and a name can not be a line of its own', () => {
  const digest = 'a'.repeat(64);
  const lines = [
    '41ed 0:0 4096 .',
    '81a4 7:8 3 ./x y',
    `${digest}  ./x y`,
    'nonsense',
    `${digest}  ./unknown`,
    '81a4 -1:0 3 ./z',
    `odd 2e2f610a62 81ed 0:0 5 ${digest}`,
    'odd 6162 81a4 0:0 5 -',
  ];
  expect(parseListing(lines.join('\n'))).toEqual([
    { path: '', kind: 'folder', sha256: '', bytes: 0, executable: false, mode: 0o755, uid: 0, gid: 0 },
    { path: 'a\nb', kind: 'file', sha256: digest, bytes: 5, executable: true, mode: 0o755, uid: 0, gid: 0 },
    { path: 'x y', kind: 'file', sha256: digest, bytes: 3, executable: false, mode: 0o644, uid: 7, gid: 8 },
  ]);
});

test('a listing that was cut off is none', () => {
  expect(unpackListing(['H4sI'])).toBeUndefined();
});

test('the stream is what tar reads, long names included', async () => {
  const root = `${folder}/long`;
  const long = `${'d'.repeat(120)}/${'f'.repeat(120)}`;
  mkdirSync(`${root}/${'d'.repeat(120)}`, { recursive: true });
  writeFileSync(`${root}/${long}`, 'x'.repeat(1000));
  symlinkSync(long, `${root}/link`);
  const { entries } = await scanTree(root, NOTHING);
  const change = compareTrees(entries, [], AS_ROOT);
  const blocks: Buffer[] = [];
  for await (const block of treeStream(root, entries, change)) blocks.push(block);
  const names = execFileSync('tar', ['-tf', '-'], { input: Buffer.concat(blocks), encoding: 'utf8' });
  expect(names.split('\n')).toEqual(expect.arrayContaining([`${'d'.repeat(120)}/`, long, 'link']));
});

test('a file that changes its size while it is sent ends the stream', async () => {
  const root = `${folder}/growing`;
  mkdirSync(root);
  writeFileSync(`${root}/a`, 'x');
  const { entries } = await scanTree(root, NOTHING);
  writeFileSync(`${root}/a`, 'longer');
  await expect(async () => {
    for await (const _ of treeStream(root, entries, compareTrees(entries, [], AS_ROOT)));
  }).rejects.toThrow('a changed while it was sent');
});

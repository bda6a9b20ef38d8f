import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, it } from 'vitest';
import { account } from '../../support/accounts.ts';
import { type FolderGiven, folderDeploy } from '../../support/folder-deploy.ts';
import { SHELLS } from '../../support/transaction.ts';

/** A source tree on the runner, and the folder that is made of it on the target. */
function place() {
  const root = mkdtempSync('/opt/fdt-folder-');
  chmodSync(root, 0o755);
  const [source, live, state] = [`${root}/source`, `${root}/ui`, `${root}/.ui.deploy`];
  mkdirSync(source);
  return {
    ...{ root, source, live, state },
    write: (files: Record<string, string | null>) => {
      for (const [path, text] of Object.entries(files)) {
        if (text === null) rmSync(`${source}/${path}`, { recursive: true });
        else {
          mkdirSync(`${source}/${path}/..`.replace(/[^/]+\/\.\.$/, ''), { recursive: true });
          writeFileSync(`${source}/${path}`, text);
        }
      }
    },
    deploy: (given: FolderGiven = {}) => folderDeploy(source, live, given),
    /** Path to text, to `-> TARGET`, or to `folder`. */
    tree: (at = live) => treeOf(at),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

function treeOf(root: string, path = ''): Record<string, string> {
  return Object.fromEntries(
    readdirSync(`${root}/${path}`, { withFileTypes: true }).flatMap((entry) => {
      const name = `${path}${entry.name}`;
      if (entry.isDirectory()) return [[name, 'folder'], ...Object.entries(treeOf(root, `${name}/`))];
      return [
        [
          name,
          entry.isSymbolicLink() ? `-> ${readlinkSync(`${root}/${name}`)}` : readFileSync(`${root}/${name}`, 'utf8'),
        ],
      ];
    }),
  );
}

describe.each(SHELLS.map((words) => [words.join(' '), words] as const))('in %s', (_, shell) => {
  it('a tree is replaced as a whole, and only what differs is sent', async () => {
    using here = place();
    const long = `long/${'x'.repeat(90)}/${'y'.repeat(90)}`;
    const odd = { "it's": '1', 'a\nb': '2', 'back\\slash': '3', '-rf': '4', 'ü *?[x]': '5', 'new\nline/in\nside': '6' };
    here.write({
      'index.html': 'v1',
      'css/a.css': 'a',
      'css/b.css': 'b',
      'old/gone.js': 'gone',
      'run.sh': '#!/bin/sh',
      [long]: 'long',
      ...odd,
    });
    mkdirSync(`${here.source}/empty`);
    chmodSync(`${here.source}/run.sh`, 0o755);
    symlinkSync('css/a.css', `${here.source}/link`);
    const first = await here.deploy({ shell });
    expect(first.said).toMatchObject({ state: 'active' });
    expect(here.tree()).toEqual(treeOf(here.source));
    expect(statSync(`${here.live}/run.sh`).mode & 0o7777).toBe(0o755);
    expect(statSync(`${here.live}/index.html`).mode & 0o7777).toBe(0o644);
    expect(statSync(`${here.live}/empty`).mode & 0o7777).toBe(0o755);

    expect((await here.deploy({ shell })).unchanged).toBe(true);

    here.write({ 'index.html': 'version 2', 'old/gone.js': null, 'js/new.js': 'new' });
    renameSync(`${here.source}/css/b.css`, `${here.source}/js/b.css`);
    chmodSync(`${here.source}/css/a.css`, 0o755);
    rmSync(`${here.source}/link`);
    symlinkSync('js/b.css', `${here.source}/link`);
    const second = await here.deploy({ shell });
    expect(second.said.state).toBe('active');
    expect(second.change.sent.map(({ path }) => path)).toEqual(['index.html', 'js/new.js']);
    expect(second.sentBytes).toBe('version 2'.length + 'new'.length);
    expect(here.tree()).toEqual(treeOf(here.source));
    expect(statSync(`${here.live}/css/a.css`).mode & 0o7777).toBe(0o755);
    expect(readdirSync(`${here.state}/releases`)).toHaveLength(2);
    expect(readdirSync(here.state).filter((name) => /incoming|previous|trial/.test(name))).toEqual([]);
    expect((await here.deploy({ shell })).unchanged).toBe(true);
  });

  it('what is kept belongs to the host, and moves along with each new tree', async () => {
    using here = place();
    here.write({ 'a.js': '1', 'uploads/.gitkeep': '' });
    mkdirSync(here.live);
    for (const path of ['uploads', 'data/deep']) mkdirSync(`${here.live}/${path}`, { recursive: true });
    writeFileSync(`${here.live}/uploads/cat.jpg`, 'cat');
    writeFileSync(`${here.live}/data/deep/db`, 'db');
    writeFileSync(`${here.live}/data/other`, 'not kept');
    const inode = statSync(`${here.live}/uploads`).ino;
    const keep = ['uploads', 'data/deep/db', 'never there'];
    const { said, change } = await here.deploy({ keep, shell });
    expect(said.state).toBe('active');
    expect(change.deleted).toEqual(['data', 'data/deep', 'data/other']);
    expect(here.tree()).toEqual({
      'a.js': '1',
      data: 'folder',
      'data/deep': 'folder',
      'data/deep/db': 'db',
      uploads: 'folder',
      'uploads/cat.jpg': 'cat',
    });
    expect(statSync(`${here.live}/uploads`).ino).toBe(inode);
  });

  it('a tree that an account owns is made with the rights of that account', async () => {
    using here = place();
    using service = account();
    const owner = `${service.uid}:${service.uid}`;
    here.write({ 'a.js': '1', 'b/c.js': '2' });
    expect((await here.deploy({ owner, shell })).said.state).toBe('active');
    here.write({ 'a.js': '3' });
    const { said, sentBytes } = await here.deploy({ owner, mode: 0o640, shell });
    expect([said.state, sentBytes]).toEqual(['active', 1]);
    expect(here.tree()).toEqual(treeOf(here.source));
    for (const path of ['', '/a.js', '/b', '/b/c.js'])
      expect(lstatSync(here.live + path)).toMatchObject({ uid: service.uid, gid: service.uid });
    expect(lstatSync(`${here.live}/b/c.js`).mode & 0o7777).toBe(0o640);
    expect(lstatSync(`${here.live}/b`).mode & 0o7777).toBe(0o750);
    expect((await here.deploy({ owner, mode: 0o640, shell })).unchanged).toBe(true);
  });
});

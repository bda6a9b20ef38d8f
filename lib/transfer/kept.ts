import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import {
  chmod,
  copyFile,
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  statfs,
  utimes,
} from 'node:fs/promises';
import { dirname } from 'node:path';
import type { OpenFile } from '../delta/delta.ts';

/** Files kept on the runner by their digest, for later deltas; used by several jobs at once. */
export interface Kept {
  /**
   * Opens the file of that digest and proves it; one that was damaged is dropped. Gives undefined when there is none, and for
   * what is not a digest: no other text becomes part of a path here.
   * The caller closes the handle.
   */
  open(sha256: string): Promise<OpenFile | undefined>;
  /** Keeps a copy, and drops what was used longest ago. Throws when it can't be written. */
  keep(path: string, sha256: string): Promise<void>;
}

export interface Bounds {
  files: number;
  bytes: number;
}

const BOUNDS: Bounds = { files: 8, bytes: 4 * 2 ** 30 };
const BLOCK_BYTES = 1 << 20;
/** Of an unfinished copy: its job is dead. */
const STALE_MS = 3_600_000;
const DIGEST = /^[0-9a-f]{64}$/;
const UNFINISHED = /^\.new-/;
const NOTE = /^note-/;
const OLD_NOTE_MS = 90 * 24 * 3_600_000;

const FOLDER = 'forgejo-deploy-toolkit';
const PROJECT = /^[0-9a-f]{32}$/;

/**
 * Where the files of one project lie in the runner's cache, apart from those of every other one: a delta against a file tells
 * whoever has the new one what is in it.
 */
export function keptFolder(
  cache: string,
  { serverUrl, repository }: { serverUrl: string; repository: string },
): string {
  const project = createHash('sha256')
    .update(JSON.stringify([serverUrl, repository]))
    .digest('hex');
  return `${cache}/${FOLDER}/${project.slice(0, 32)}`;
}

/** Opens the folder, made if it is not there. Throws when it, or the one around it, is a link or another account's. */
export async function openKept(folder: string, bounds: Bounds = BOUNDS): Promise<Kept> {
  for (const own of [dirname(folder), folder]) await makeOwn(own);
  return {
    open: async (sha256) => (DIGEST.test(sha256) ? openProved(`${folder}/${sha256}`, sha256) : undefined),
    keep: async (path, sha256) => {
      if (!DIGEST.test(sha256)) throw new Error('its digest is not a sha256');
      if (await touched(`${folder}/${sha256}`)) return;
      await copy(path, { folder, sha256, most: bounds.bytes });
      await prune(folder, bounds);
    },
  };
}

async function makeOwn(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const found = await lstat(folder);
  if (!found.isDirectory()) throw new Error(`${folder} is not a folder`);
  if (found.uid !== process.getuid?.()) throw new Error(`${folder} belongs to another account`);
  if ((found.mode & 0o777) !== 0o700) await chmod(folder, 0o700);
}

async function openProved(path: string, sha256: string): Promise<OpenFile | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    // A link, which is none of ours.
    if ((error as NodeJS.ErrnoException).code === 'ELOOP') await rm(path, { force: true });
    return undefined;
  }
  const found = await handle.stat();
  if (found.isFile() && (await digestOf(handle)) === sha256) {
    await utimes(path, new Date(), new Date()).catch(() => undefined);
    return { handle, bytes: found.size };
  }
  await handle.close();
  await rm(path, { force: true, recursive: true });
  return undefined;
}

async function digestOf(handle: FileHandle): Promise<string> {
  const hash = createHash('sha256');
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  for (let at = 0; ; ) {
    const { bytesRead } = await handle.read(block, 0, block.length, at);
    if (bytesRead === 0) return hash.digest('hex');
    hash.update(block.subarray(0, bytesRead));
    at += bytesRead;
  }
}

async function touched(path: string): Promise<boolean> {
  try {
    await utimes(path, new Date(), new Date());
    return (await lstat(path)).isFile();
  } catch {
    return false;
  }
}

/** Under a name of its own first: another job sees the whole file or none. */
async function copy(path: string, to: { folder: string; sha256: string; most: number }): Promise<void> {
  const { size } = await lstat(path);
  const { bavail, bsize } = await statfs(to.folder);
  if (size > to.most) throw new Error('it is too large to be kept');
  if (bavail * bsize < 3 * size) throw new Error(`too little room is left in ${to.folder}`);
  const unfinished = `${to.folder}/.new-${randomUUID()}`;
  try {
    await copyFile(path, unfinished, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    await chmod(unfinished, 0o600);
    await rename(unfinished, `${to.folder}/${to.sha256}`);
  } finally {
    await rm(unfinished, { force: true });
  }
}

/** So many files of this project, and so many bytes of all projects together; the least recently used go first. */
async function prune(folder: string, bounds: Bounds): Promise<void> {
  const around = dirname(folder);
  const others = (await namesIn(around)).filter((name) => PROJECT.test(name)).map((name) => `${around}/${name}`);
  const found = (await Promise.all([...new Set([folder, ...others])].map(filesIn))).flat();
  let bytes = 0;
  let files = 0;
  const kept = found.filter(({ name }) => DIGEST.test(name)).sort((a, b) => b.usedAt - a.usedAt);
  const excess = kept.filter((file) => {
    bytes += file.bytes;
    if (file.folder === folder) files += 1;
    return bytes > bounds.bytes || (file.folder === folder && files > bounds.files);
  });
  const limits = [
    { names: UNFINISHED, before: Date.now() - STALE_MS },
    { names: NOTE, before: Date.now() - OLD_NOTE_MS },
  ];
  const stale = found.filter(({ name, usedAt }) =>
    limits.some(({ names, before }) => names.test(name) && usedAt < before),
  );
  for (const file of [...excess, ...stale]) await rm(`${file.folder}/${file.name}`, { force: true, recursive: true });
}

async function filesIn(folder: string) {
  return Promise.all(
    (await namesIn(folder)).map(async (name) => {
      // Gone meanwhile: another job prunes too.
      const file = await lstat(`${folder}/${name}`).catch(() => undefined);
      return { folder, name, usedAt: file?.mtimeMs ?? 0, bytes: file?.size ?? 0 };
    }),
  );
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

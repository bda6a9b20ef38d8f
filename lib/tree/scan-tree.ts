import { createHash } from 'node:crypto';
import { createReadStream, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { posix } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { inParallel } from '../parallel.ts';
import { LISTS_NAME, type SourceEntry } from './entry.ts';
import { excluding } from './patterns.ts';

const MOST_ENTRIES = 100_000;
const READERS = 8;
/** Read at once: a stream for each of 20,000 small files takes ten times as long. */
const SMALL_BYTES = 1 << 20;

/** A tree of the runner: what is to be on the target, or every reason why it can't be. */
export interface ScannedTree {
  /** Sorted by path, so that a folder comes before what is in it. */
  entries: SourceEntry[];
  problems: string[];
}

/** Reads the tree at `root`, without what `exclude` names and what is `kept` on the target. */
export async function scanTree(
  root: string,
  given: { exclude: readonly string[]; keep: readonly string[] },
): Promise<ScannedTree> {
  const top = lstatSync(root, { throwIfNoEntry: false });
  if (!top) return { entries: [], problems: [`the folder ${root} does not exist on the runner`] };
  if (!top.isDirectory()) return { entries: [], problems: [`${root} is not a folder`] };
  const entries: SourceEntry[] = [];
  const problems: string[] = [];
  const isExcluded = excluding(given.exclude);
  const queue = [''];
  for (let folder = queue.pop(); folder !== undefined; folder = queue.pop()) {
    for (const raw of readdirSync(`${root}/${folder}`, { encoding: 'buffer' })) {
      const name = raw.toString('utf8');
      const path = folder === '' ? name : `${folder}/${name}`;
      if (!Buffer.from(name).equals(raw)) {
        problems.push(`the name of ${path} is not UTF-8`);
        continue;
      }
      const about = lstatSync(`${root}/${path}`);
      if (given.keep.includes(path) || isExcluded(path, about.isDirectory())) continue;
      const problem = problemOf(path, about);
      if (problem) {
        problems.push(problem);
        continue;
      }
      const target = about.isSymbolicLink() ? readlinkSync(`${root}/${path}`) : '';
      if (target !== '' && leavesTree(path, target)) problems.push(`${path} is a link out of the folder, to ${target}`);
      entries.push({
        path,
        kind: about.isDirectory() ? 'folder' : about.isFile() ? 'file' : 'link',
        sha256: target === '' ? '' : createHash('sha256').update(target).digest('hex'),
        bytes: about.isFile() ? about.size : 0,
        executable: about.isFile() && (about.mode & 0o100) !== 0,
        target,
        modified: Math.max(1, Math.floor(about.mtimeMs / 1000)),
      });
      if (about.isDirectory()) queue.push(path);
      if (entries.length > MOST_ENTRIES)
        return { entries: [], problems: [`${root} has more than ${MOST_ENTRIES} entries`] };
    }
  }
  entries.sort((a, b) => (a.path < b.path ? -1 : 1));
  await inParallel(
    entries.filter(({ kind }) => kind === 'file'),
    { limit: READERS, stopped: () => false },
    async (entry) => {
      const read = await digestOf(`${root}/${entry.path}`, entry.bytes);
      entry.sha256 = read.sha256;
      entry.bytes = read.bytes;
    },
  );
  return { entries, problems };
}

function problemOf(
  path: string,
  about: { isDirectory(): boolean; isFile(): boolean; isSymbolicLink(): boolean; mode: number },
) {
  if (path.split('/')[0] === LISTS_NAME) return `${path} has a name that this action uses itself`;
  if (!about.isDirectory() && !about.isFile() && !about.isSymbolicLink())
    return `${path} is a device, a pipe or a socket`;
  // A folder's set-group-ID bit is passed on by the file system that it was made in.
  return about.isFile() && (about.mode & 0o6000) !== 0 ? `${path} has a set-ID bit` : undefined;
}

function leavesTree(path: string, target: string): boolean {
  if (target.startsWith('/')) return true;
  const reached = posix.normalize(posix.join(posix.dirname(path), target));
  return reached === '..' || reached.startsWith('../');
}

async function digestOf(path: string, expectedBytes: number): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256');
  if (expectedBytes <= SMALL_BYTES) {
    const content = readFileSync(path);
    return { sha256: hash.update(content).digest('hex'), bytes: content.length };
  }
  let bytes = 0;
  await pipeline(createReadStream(path), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      hash.update(chunk);
      bytes += chunk.length;
    }
  });
  return { sha256: hash.digest('hex'), bytes };
}

import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { PayloadError } from '../transfer/payload.ts';
import type { TreeChange } from './compare-trees.ts';
import { LISTS_NAME, type SourceEntry } from './entry.ts';

const BLOCK_BYTES = 512;
const SMALL_BYTES = 1 << 20;
/** What eleven octal digits can say. */
const MOST_FILE_BYTES = 2 ** 33 - 1;

/**
 * The stream that stage.sh makes the tree of: lists of what it copies and proves, then folders, links, and the files that are not on
 * the target. Written here, because the names that are too long for a header have to be written as both GNU tar and busybox read
 * them; the libraries write them in pax headers, which busybox skips.
 */
export async function* treeStream(
  root: string,
  wanted: readonly SourceEntry[],
  change: TreeChange,
): AsyncGenerator<Buffer> {
  yield* header({ name: `${LISTS_NAME}/`, type: '5', mode: 0o700 });
  for (const [name, content] of Object.entries(listsOf(wanted, change))) {
    yield* header({ name: `${LISTS_NAME}/${name}`, type: '0', bytes: content.length });
    yield* padded(content);
  }
  for (const { path, kind, target, modified } of wanted) {
    if (kind === 'folder') yield* header({ name: `${path}/`, type: '5', mode: 0o700, modified });
    if (kind === 'link') yield* header({ name: path, type: '2', target, modified });
  }
  for (const entry of change.sent) yield* fileBlocks(root, entry);
  yield Buffer.alloc(2 * BLOCK_BYTES);
}

/** How much is sent, headers left out. */
export function sentBytes({ sent }: TreeChange): number {
  return sent.reduce((sum, { bytes }) => sum + bytes, 0);
}

function listsOf(wanted: readonly SourceEntry[], { same, moved }: TreeChange): Record<string, Buffer> {
  const files = wanted.filter(({ kind }) => kind === 'file');
  // sha256sum reads such a name in a form of its own, which not every busybox knows.
  const isOdd = (path: string) => /[\n\\]/.test(path);
  const ended = (texts: string[]) => Buffer.from(texts.map((text) => `${text}\0`).join(''));
  return {
    same: ended(same.map(({ path }) => `./${path}`)),
    moved: ended(moved.flatMap(({ from, to }) => [`./${from}`, `./${to.path}`])),
    sums: Buffer.from(files.flatMap(({ path, sha256 }) => (isOdd(path) ? [] : `${sha256}  ./${path}\n`)).join('')),
    odd: ended(files.flatMap(({ path, sha256 }) => (isOdd(path) ? [sha256, `./${path}`] : []))),
    exec: ended(files.filter(({ executable }) => executable).map(({ path }) => `./${path}`)),
  };
}

async function* fileBlocks(root: string, { path, bytes, modified }: SourceEntry): AsyncGenerator<Buffer> {
  if (bytes > MOST_FILE_BYTES) throw new PayloadError(`${path} is larger than 8 GiB`);
  yield* header({ name: path, type: '0', bytes, modified });
  let read = 0;
  const file = `${root}/${path}`;
  // A stream for each of many small files takes ten times as long.
  const chunks = bytes <= SMALL_BYTES ? [await readFile(file)] : createReadStream(file);
  for await (const chunk of chunks as AsyncIterable<Buffer>) {
    read += chunk.length;
    if (read > bytes) break;
    yield chunk;
  }
  if (read !== bytes) throw new PayloadError(`${path} changed while it was sent`);
  if (bytes % BLOCK_BYTES !== 0) yield Buffer.alloc(BLOCK_BYTES - (bytes % BLOCK_BYTES));
}

interface Header {
  name: string;
  type: '0' | '2' | '5' | 'K' | 'L';
  bytes?: number;
  mode?: number;
  target?: string;
  modified?: number;
}

function* header({ name, type, bytes = 0, mode = 0o600, target = '', modified = 1 }: Header): Generator<Buffer> {
  if (Buffer.byteLength(target) > 100) yield* longName('K', target);
  if (Buffer.byteLength(name) > 100) yield* longName('L', name);
  const block = Buffer.alloc(BLOCK_BYTES);
  Buffer.from(name).copy(block, 0, 0, 100);
  const octal = (value: number, at: number, digits: number) => block.write(value.toString(8).padStart(digits, '0'), at);
  octal(mode, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(bytes, 124, 11);
  octal(modified, 136, 11);
  block.fill(' ', 148, 156);
  block.write(type, 156);
  Buffer.from(target).copy(block, 157, 0, 100);
  block.write('ustar  ', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  yield block;
}

/** GNU's form: an entry before the one that it is of. */
function* longName(type: 'K' | 'L', text: string): Generator<Buffer> {
  const content = Buffer.from(`${text}\0`);
  yield* header({ name: '././@LongLink', type, bytes: content.length });
  yield* padded(content);
}

function* padded(content: Buffer): Generator<Buffer> {
  if (content.length > 0) yield content;
  if (content.length % BLOCK_BYTES !== 0) yield Buffer.alloc(BLOCK_BYTES - (content.length % BLOCK_BYTES));
}

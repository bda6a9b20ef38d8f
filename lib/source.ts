import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { type Elf, readElf } from './elf.ts';
import { Failure } from './errors.ts';

/** The binary on the runner. */
export interface Source {
  path: string;
  bytes: number;
  sha256: string;
  /** Undefined when it is no ELF program. */
  elf: Elf | undefined;
}

const BLOCK_BYTES = 1 << 20;

/**
 * Reads the source once, in constant memory: digest, kind of program, and that it holds every expected string.
 * Throws a Failure when it can't be read, is empty, lacks a string, or has another digest than the one that is asked for.
 */
export async function readSource(path: string, expectStrings: readonly string[], sha256?: string): Promise<Source> {
  const bytes = await sizeOf(path);
  const wanted = expectStrings.map((text) => Buffer.from(text));
  const overlap = Math.max(0, ...wanted.map((text) => text.length - 1));
  const missing = new Set(wanted);
  const hash = createHash('sha256');
  let tail = Buffer.alloc(0);
  for await (const block of createReadStream(path, { highWaterMark: BLOCK_BYTES }) as AsyncIterable<Buffer>) {
    hash.update(block);
    if (missing.size === 0) continue;
    const searched = overlap > 0 ? Buffer.concat([tail, block]) : block;
    for (const text of missing) if (searched.includes(text)) missing.delete(text);
    tail = Buffer.from(searched.subarray(-overlap || searched.length));
  }
  if (missing.size > 0) throw missingStrings(path, missing);
  const digest = hash.digest('hex');
  if (sha256 !== undefined && digest !== sha256) throw otherDigest(path, digest, sha256);
  return { path, bytes, sha256: digest, elf: await elfOf(path) };
}

async function sizeOf(path: string): Promise<number> {
  const why = (text: string) =>
    new Failure({
      what: `Reading the source ${path}`,
      why: text,
      state: 'untouched.',
      remedy: 'check the path and the build step before this one.',
    });
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw why(error.code === 'ENOENT' ? 'the file does not exist on the runner.' : error.message);
  });
  if (!found.isFile()) throw why('it is not a regular file.');
  if (found.size === 0) throw why('it is empty.');
  return found.size;
}

async function elfOf(path: string): Promise<Elf | undefined> {
  const file = await open(path);
  try {
    return await readElf(file);
  } finally {
    await file.close();
  }
}

function missingStrings(path: string, missing: ReadonlySet<Buffer>): Failure {
  const list = [...missing].map((text) => `'${text.toString()}'`).join(', ');
  return new Failure({
    what: `Checking the source ${path}`,
    why: `it does not contain ${list} (expect-strings).`,
    state: 'untouched. Nothing was sent.',
    remedy: 'check that this is the build of the intended commit, or correct `expect-strings`.',
  });
}

function otherDigest(path: string, digest: string, wanted: string): Failure {
  return new Failure({
    what: `Checking the source ${path}`,
    why: `its sha256 is ${digest}, not ${wanted} (sha256).`,
    state: 'untouched. Nothing was sent.',
    remedy:
      'deploy the file that was tested: take it from the job that built it, and the digest from the outputs of that job.',
  });
}

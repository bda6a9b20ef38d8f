import { spawn, spawnSync } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { Duplex, type Readable, Transform, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import * as zlib from 'node:zlib';

/** How the bytes travel; the target undoes it. */
export type Encoding = 'plain' | 'gzip' | 'zstd';

export interface Upload {
  path: string;
  bytes: number;
  encoding: Encoding;
  /** Without a byte moving for so long the upload is given up. */
  stallSeconds: number;
  /** Called with the source's bytes read so far. */
  onProgress?: (bytes: number) => void;
}

/** Thrown when no byte moved for `stallSeconds`. */
export class StallError extends Error {}

const BLOCK_BYTES = 256 * 1024;

/**
 * Streams a file, encoded, into `out` and ends it. Constant memory. Resolves with the number of bytes written;
 * rejects with StallError, or with what broke the stream.
 */
export async function upload({ path, encoding, stallSeconds, onProgress }: Upload, out: Writable): Promise<number> {
  let read = 0;
  let written = 0;
  const counted = (count: (bytes: number) => void) =>
    new Transform({
      highWaterMark: BLOCK_BYTES,
      transform(block: Buffer, _, done) {
        count(block.length);
        done(null, block);
      },
    });
  const stalled = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const moved = () => {
    clearTimeout(timer);
    timer = setTimeout(() => stalled.abort(), stallSeconds * 1000);
  };
  moved();
  out.on('drain', moved);
  try {
    const source = createReadStream(path, { highWaterMark: BLOCK_BYTES });
    const stages = [
      counted((bytes) => {
        read += bytes;
        onProgress?.(read);
      }),
      ...encoder(encoding),
      counted((bytes) => {
        written += bytes;
        moved();
      }),
    ];
    await pipeline([source, ...stages, out] as unknown as [Readable, Transform, Writable], { signal: stalled.signal });
  } catch (error) {
    if (stalled.signal.aborted) throw new StallError(`no byte moved for ${stallSeconds} s`);
    throw error;
  } finally {
    clearTimeout(timer);
    out.off('drain', moved);
  }
  return written;
}

/** Whether this runner can encode so: by Node.js from 22.15, or a `zstd` program, which uses all cores. */
export function canEncode(encoding: Encoding): boolean {
  return encoding !== 'zstd' || typeof zlibZstd().createZstdCompress === 'function' || hasZstdProgram();
}

function encoder(encoding: Encoding): Duplex[] {
  if (encoding === 'plain') return [];
  if (encoding === 'gzip') return [zlib.createGzip({ level: 1, chunkSize: BLOCK_BYTES })];
  if (hasZstdProgram()) {
    // Harder where the link is what takes the time.
    const { stdin, stdout } = spawn('zstd', ['-q', '-c', '-T0', '--adapt=min=1,max=12'], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    return [Duplex.from({ writable: stdin, readable: stdout })];
  }
  const { createZstdCompress } = zlibZstd();
  return createZstdCompress ? [createZstdCompress({ chunkSize: BLOCK_BYTES })] : [];
}

function hasZstdProgram(): boolean {
  return spawnSync('zstd', ['--version'], { stdio: 'ignore' }).status === 0;
}

function zlibZstd() {
  return zlib as typeof zlib & { createZstdCompress?: (options: { chunkSize: number }) => Transform };
}

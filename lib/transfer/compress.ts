import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { Duplex, Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import * as zlib from 'node:zlib';
import type { Compressor } from './plan-transfer.ts';

const BLOCK_BYTES = 256 * 1024;

/** What this runner has: zstd as a program, which uses all cores, or in Node.js from 22.15. */
export interface Compressors {
  zstd: 'program' | 'node' | undefined;
}

export function findCompressors(): Compressors {
  if (spawnSync('zstd', ['--version'], { stdio: 'ignore' }).status === 0) return { zstd: 'program' };
  return { zstd: zlibZstd().createZstdCompress ? 'node' : undefined };
}

/** Compresses a stream. With `adapt` harder where nobody takes the bytes as fast as they come. */
export async function* compress(
  source: AsyncIterable<Buffer>,
  { by, level, adapt, has }: { by: Compressor; level: number; adapt: boolean; has: Compressors },
): AsyncGenerator<Buffer> {
  const { stage, ended, stop } =
    by === 'gzip' ? gzip() : has.zstd === 'program' ? zstdProgram(level, adapt) : zstdOfNode(level);
  const fed = pipeline(Readable.from(source, { objectMode: false, highWaterMark: BLOCK_BYTES }), stage);
  // Told by the stage too, which is being read.
  fed.catch(() => undefined);
  try {
    for await (const block of stage) yield block as Buffer;
    await fed;
    await ended?.();
  } finally {
    stage.destroy();
    stop?.();
  }
}

interface Stage {
  stage: Duplex;
  /** Throws when what was read is not all. */
  ended?: () => Promise<void>;
  stop?: () => void;
}

function gzip(): Stage {
  return { stage: zlib.createGzip({ level: 1, chunkSize: BLOCK_BYTES }) };
}

function zstdProgram(level: number, adapt: boolean): Stage {
  // A delta comes as it is made: in small jobs its first bytes need not wait for many more. What is alike in it lies far
  // apart; 16 MiB of that cost the target no more memory than perl has.
  const strength = adapt ? [`--adapt=min=${level},max=12`] : [`-${level}`, '-B2M', '--long=24'];
  const child = spawn('zstd', ['-q', '-c', '-T0', ...strength], { stdio: ['pipe', 'pipe', 'ignore'] });
  const closed = once(child, 'close');
  closed.catch(() => undefined);
  const stage = Duplex.from({ writable: child.stdin, readable: child.stdout });
  child.once('error', (error) => stage.destroy(error));
  return {
    stage,
    stop: () => child.kill(),
    ended: async () => {
      const [code] = await closed;
      if (code !== 0) throw new Error(`zstd exited with code ${code}`);
    },
  };
}

function zstdOfNode(level: number): Stage {
  const { createZstdCompress, constants } = zlibZstd();
  if (!createZstdCompress) throw new Error('this runner has no zstd');
  return {
    stage: createZstdCompress({
      chunkSize: BLOCK_BYTES,
      params: { [constants.ZSTD_c_compressionLevel ?? 100]: level },
    }),
  };
}

function zlibZstd() {
  return zlib as unknown as {
    createZstdCompress?: (options: { chunkSize: number; params: Record<number, number> }) => Transform;
    constants: { ZSTD_c_compressionLevel?: number };
  };
}

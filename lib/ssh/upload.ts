import { once } from 'node:events';
import type { Writable } from 'node:stream';

export interface Sent {
  bytes: number;
  /** What the link was seen to carry; undefined when it was never the one that was waited for. */
  bytesPerSecond: number | undefined;
}

export interface Upload {
  /** Without a byte moving for so long the upload is given up. */
  stallSeconds: number;
  /** Called with the bytes sent so far, and what the link was seen to carry; what it throws ends the upload. */
  onProgress?: (bytes: number, bytesPerSecond: number | undefined) => void;
}

/** Thrown when no byte moved for `stallSeconds`. */
export class StallError extends Error {}

/** What a session takes at once, however slow the link is. */
const WINDOW_BYTES = 2 * 2 ** 20;
/** Less waiting says nothing about the link. */
const LEAST_WAITED_MS = 50;
/** Of the time in all: with less, the link was faster than the bytes were made, and how fast it is can't be told. */
const LEAST_WAITED = 0.5;
/** While it goes on: a link may only have stumbled. */
const EARLY_WAITED_MS = 500;

/**
 * Streams blocks into `out` and ends it. Constant memory. Rejects with StallError, with what the blocks threw, or with
 * what broke the stream.
 */
export async function upload(
  blocks: AsyncIterable<Buffer>,
  out: Writable,
  { stallSeconds, onProgress }: Upload,
): Promise<Sent> {
  const stalled = new AbortController();
  const broken = new AbortController();
  let why: Error | undefined;
  const fail = (error?: Error) => {
    why ??= error ?? new Error('the session was closed');
    broken.abort();
  };
  out.on('error', fail).on('close', fail);
  let timer: NodeJS.Timeout | undefined;
  const moved = () => {
    clearTimeout(timer);
    timer = setTimeout(() => stalled.abort(), stallSeconds * 1000);
  };
  const signal = AbortSignal.any([stalled.signal, broken.signal]);
  const iterator = blocks[Symbol.asyncIterator]();
  let bytes = 0;
  let waitedMs = 0;
  // Whenever all that was written has gone on its way, but for the window that needs no link to carry it.
  let [first, last]: { bytes: number; at: number }[] = [];
  const rate = (leastWaitedMs: number) => {
    if (!first || !last || waitedMs < leastWaitedMs) return undefined;
    const passedMs = last.at - first.at;
    return waitedMs < LEAST_WAITED * passedMs ? undefined : ((last.bytes - first.bytes) / passedMs) * 1000;
  };
  moved();
  try {
    for (;;) {
      // A busy runner that takes long to make them is no stalled link.
      clearTimeout(timer);
      const { value: block, done } = await unlessAborted(iterator.next(), signal);
      moved();
      if (done) break;
      bytes += block.length;
      if (!out.write(block)) {
        const since = performance.now();
        await once(out, 'drain', { signal });
        last = { bytes, at: performance.now() };
        if (first) waitedMs += last.at - since;
        else if (bytes >= WINDOW_BYTES) first = last;
      }
      moved();
      onProgress?.(bytes, rate(EARLY_WAITED_MS));
    }
    const bytesPerSecond = rate(LEAST_WAITED_MS);
    const finished = once(out, 'finish', { signal });
    out.end();
    await finished;
    return { bytes, bytesPerSecond };
  } catch (error) {
    if (stalled.signal.aborted) throw new StallError(`no byte moved for ${stallSeconds} s`);
    throw why ?? error;
  } finally {
    clearTimeout(timer);
    iterator.return?.().catch(() => undefined);
    out.off('error', fail).off('close', fail);
  }
}

/** A race with one promise for all blocks would keep every block until the end. */
function unlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

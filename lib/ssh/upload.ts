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
  const marks = openMarks();
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
        marks.add(bytes, performance.now() - since);
      }
      moved();
      onProgress?.(bytes, marks.rate(EARLY_WAITED_MS));
    }
    const since = performance.now();
    const finished = once(out, 'finish', { signal });
    out.end();
    await finished;
    marks.add(bytes, performance.now() - since);
    return { bytes, bytesPerSecond: marks.rate(LEAST_WAITED_MS) };
  } catch (error) {
    if (stalled.signal.aborted) throw new StallError(`no data was transferred for ${stallSeconds} s`);
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

/** All that was written by then was on its way, but for what the window takes. */
interface Mark {
  bytes: number;
  at: number;
  /** In all until then. */
  waitedMs: number;
}

/** How fast the link is, by the moments at which nothing was left to be written. */
function openMarks() {
  const start: Mark = { bytes: WINDOW_BYTES, at: performance.now(), waitedMs: 0 };
  let [first, last]: (Mark | undefined)[] = [];
  return {
    add: (bytes: number, waitedMs: number) => {
      last = { bytes, at: performance.now(), waitedMs: (last?.waitedMs ?? 0) + waitedMs };
      first ??= last;
    },
    /** Bytes per second; undefined where it was not the link that was waited for, or not for so long. */
    rate: (leastWaitedMs: number): number | undefined => {
      if (!first || !last || last.bytes <= WINDOW_BYTES) return undefined;
      // Until the first one the bytes may have been made slowly; but a short upload has no others.
      const from = last.bytes - first.bytes < WINDOW_BYTES ? start : first;
      const [waitedMs, passedMs] = [last.waitedMs - from.waitedMs, last.at - from.at];
      if (waitedMs < leastWaitedMs || waitedMs < LEAST_WAITED * passedMs) return undefined;
      return ((last.bytes - from.bytes) / passedMs) * 1000;
    },
  };
}

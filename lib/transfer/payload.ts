import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { open, unlink } from 'node:fs/promises';

/** Encoded bytes, made once and sent to one target or many. */
export interface Payload extends AsyncDisposable {
  /** All of it from its beginning, while it is still being made. Throws a PayloadError when it can't be. */
  read(): AsyncIterable<Buffer>;
}

/** The bytes can't be made on the runner; no target is to blame. */
export class PayloadError extends Error {}

const BLOCK_BYTES = 256 * 1024;
/** How far the making may be ahead of the foremost reader: one that adapts to the link is told by this how fast it is. */
const AHEAD_BYTES = 8 * 2 ** 20;
const AHEAD_UNREAD_BYTES = 64 * 2 ** 20;

/** Makes it anew for every reader, as fast as that one takes it; for a single one. */
export function streamed(make: () => AsyncIterable<Buffer>): Payload {
  return {
    read: async function* () {
      try {
        yield* make();
      } catch (error) {
        throw payloadError(error);
      }
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** Makes it at once, into a file of `folder` that has no name any more: nothing is left of it, however the step ends. */
export async function spooled(make: () => AsyncIterable<Buffer>, folder: string): Promise<Payload> {
  const path = `${folder}/.payload-${randomUUID()}`;
  const file = await open(path, 'wx+', 0o600);
  await unlink(path);
  const moved = new EventEmitter().setMaxListeners(0);
  let written = 0;
  let taken: number | undefined;
  let end: { error?: PayloadError } | undefined;

  const fill = async () => {
    for await (const block of make()) {
      while (!end && written - (taken ?? 0) > (taken === undefined ? AHEAD_UNREAD_BYTES : AHEAD_BYTES))
        await once(moved, 'taken');
      if (end) return;
      await file.write(block, 0, block.length, written);
      written += block.length;
      moved.emit('written');
    }
  };
  const filled = fill()
    .then(
      () => ({}),
      (error) => ({ error: payloadError(error) }),
    )
    .then((how) => {
      end ??= how;
      moved.emit('written');
    });

  return {
    read: async function* () {
      for (let at = 0; ; ) {
        if (at === written) {
          if (end?.error) throw end.error;
          if (end) return;
          await once(moved, 'written');
          continue;
        }
        const block = Buffer.allocUnsafe(Math.min(BLOCK_BYTES, written - at));
        const { bytesRead } = await file.read(block, 0, block.length, at);
        at += bytesRead;
        taken = Math.max(taken ?? 0, at);
        moved.emit('taken');
        yield block.subarray(0, bytesRead);
      }
    },
    [Symbol.asyncDispose]: async () => {
      end ??= { error: new PayloadError('the step has finished') };
      moved.emit('taken');
      moved.emit('written');
      await filled;
      await file.close();
    },
  };
}

function payloadError(error: unknown): PayloadError {
  return error instanceof PayloadError
    ? error
    : new PayloadError(error instanceof Error ? error.message : String(error), { cause: error });
}

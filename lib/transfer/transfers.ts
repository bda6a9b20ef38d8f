import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import type { ActionContext } from '../action/action.ts';
import { deltaOf, type OpenFile } from '../delta/delta.ts';
import { MOST_DELTA_BYTES } from '../delta/plan-parts.ts';
import type { Source } from '../source.ts';
import { type Compressors, compress, findCompressors } from './compress.ts';
import { type Kept, keptFolder, openKept } from './kept.ts';
import { leftWith, type Note, readNote, writeNote } from './notes.ts';
import { type Payload, spooled, streamed } from './payload.ts';
import {
  assumedLink,
  type Circumstances,
  type Compressor,
  type Encoding,
  type Link,
  planTransfer,
  soonerWay,
  type TransferPlan,
  type Wanted,
} from './plan-transfer.ts';

/** What is known of a target when a file is to be sent to it. */
export interface Receiver {
  near: boolean;
  roundTripMs: number;
  tools: ReadonlySet<string>;
  /** Its present file, against which a delta could be, or why there can be none. */
  present: { sha256: string } | { lacks: string };
}

/** One way of sending the source to one target. */
export interface Transfer {
  encoding: Encoding;
  why: string;
  payload: Payload;
  /** Whether another way ends much sooner, by what the first bytes showed of the link: to be chosen anew then. */
  isTooSlow(sentBytes: number, bytesPerSecond: number): boolean;
}

/** The uploads to one target. */
export interface TargetTransfers {
  choose(source: Source, receiver: Receiver): Promise<Transfer>;
  /** What the upload was seen to carry. */
  measured(bytesPerSecond: number | undefined): Promise<void>;
  /** The source is the target's present file now: it is kept for later deltas, where one may help. */
  arrived(source: Source, near: boolean): void;
}

/** All uploads of the step: each form of the source is made once, for however many targets. */
export interface Transfers extends AsyncDisposable {
  /**
   * `name` tells the target's file from all others. Where a delta will be the way, by what is remembered of the link and
   * of the target, one against what was left there is begun at once, while the target is still being connected to.
   */
  to(name: string, source: Promise<Source> | undefined): TargetTransfers;
}

type Base = { sha256: string; file: OpenFile } | { lacks: string };

const REMEMBERED = 'measured last time';
const FIRST_BYTES = 'measured on the first bytes';
/** With less, what looks near is the end of a tunnel. */
const NEAR_BYTES_PER_SECOND = 50e6;
const BLOCK_BYTES = 256 * 1024;

/** Nothing is opened or made before it is asked for. */
export function openTransfers(
  { wanted, several }: { wanted: Wanted; several: boolean },
  { env, log, run }: Pick<ActionContext, 'env' | 'log' | 'run'>,
): Transfers {
  const cache = env('RUNNER_TOOL_CACHE');
  const folder = cache && keptFolder(cache, run);
  const kept = once(() => (folder ? openKept(folder) : Promise.reject(new Error('RUNNER_TOOL_CACHE is not set'))));
  const compressors = once(findCompressors);
  const bases = new Map<string, Promise<Base>>();
  const payloads = new Map<string, Promise<Payload>>();
  const writing: Promise<unknown>[] = [];
  const deltaHelps = (near: boolean) => wanted === 'delta' || (wanted === 'auto' && !near);

  const baseOf = (sha256: string) => {
    const found = bases.get(sha256) ?? openBase(kept, sha256);
    bases.set(sha256, found);
    return found;
  };

  const payloadOf = (source: Source, { encoding, level }: Pick<TransferPlan, 'encoding' | 'level'>, base: Base) => {
    const against = encoding.startsWith('delta') && 'file' in base ? base : undefined;
    const key = `${encoding} ${against?.sha256 ?? ''}`;
    const make = () => encode(source, { encoding, level, base: against?.file, has: compressors() });
    // A delta is small, and its making goes on while the target gets ready.
    const found =
      payloads.get(key) ??
      (encoding !== 'plain' && (several || against)
        ? spooled(make, env('RUNNER_TEMP') ?? tmpdir()).catch(() => streamed(make))
        : Promise.resolve(streamed(make)));
    payloads.set(key, found);
    return found;
  };

  const keepOnce = once((source: Source) =>
    kept()
      .then((files) => files.keep(source.path, source.sha256))
      .catch((error: Error) => log.line(`Not kept for the next delta: ${error.message}.`)),
  );

  return {
    to: (name, source) => {
      const noted = folder && deltaHelps(false) ? readNote(folder, name) : Promise.resolve<Note>({});
      let now: Note = {};
      // Of this upload, once it was given up for being too slow.
      let seen: Link | undefined;
      let distant = false;
      let tells: 'the rate' | 'a higher rate' | 'nothing' = 'nothing';
      const remember = (bytesPerSecond: number) => {
        now.bytesPerSecond = Math.round(bytesPerSecond);
      };

      // Against any other file a delta would give the target what was never sent to it.
      const baseThere = async (sha256: string): Promise<Base> =>
        !folder || (await noted).left?.includes(sha256)
          ? baseOf(sha256)
          : { lacks: "this runner did not deploy the target's present file" };

      const begin = async () => {
        const { left: [sha256] = [], deltaBy, roundTripMs, ...note } = await noted;
        const link = rememberedLink(note) ?? (roundTripMs && assumedLink(roundTripMs));
        if (!sha256 || !deltaBy || !link) return;
        const [read, base] = await Promise.all([source, baseOf(sha256)]);
        if (!read || read.sha256 === sha256) return;
        const plan = planTransfer({
          wanted,
          bytes: read.bytes,
          near: false,
          compressors: [deltaBy],
          base,
          link,
        });
        if (plan.encoding.startsWith('delta')) await payloadOf(read, plan, base);
      };
      // Only foreseen: whoever needs it meets the error again.
      begin().catch(() => undefined);

      return {
        choose: async (read, receiver) => {
          const measured = seen ?? rememberedLink(await noted);
          const link = measured ?? assumedLink(receiver.roundTripMs);
          const near = receiver.near && (!measured || measured.bytesPerSecond > NEAR_BYTES_PER_SECOND);
          distant = !near;
          const lacks = deltaHelps(near) ? deltaLacks(read, receiver) : 'none was requested';
          const { present, tools } = receiver;
          const base = lacks || 'lacks' in present ? { lacks: lacks ?? '' } : await baseThere(present.sha256);
          const inBoth = wanted === 'plain' || (wanted === 'auto' && near) ? [] : inCommon(compressors(), tools);
          if (tools.has('perl') && inBoth[0]) now.deltaBy = inBoth[0];
          if (Number.isFinite(receiver.roundTripMs)) now.roundTripMs = receiver.roundTripMs;
          const circumstances: Circumstances = { wanted, bytes: read.bytes, near, compressors: inBoth, base, link };
          const plan = planTransfer(circumstances);
          tells = tellsOf(plan.encoding, receiver.near);
          // While the link is busy, and before the step could end.
          if (deltaHelps(near)) writing.push(keepOnce(read));
          const isTooSlow = (sentBytes: number, rate: number) => {
            if (wanted !== 'auto' || seen || plan.encoding.startsWith('delta')) return false;
            const known = { ...circumstances, near: false, compressors: inCommon(compressors(), tools) };
            const first = { bytesPerSecond: rate, from: FIRST_BYTES };
            if (!soonerWay(plan.encoding, { ...known, link: first }, sentBytes)) return false;
            seen = first;
            remember(rate);
            return true;
          };
          return { encoding: plan.encoding, why: plan.why, payload: await payloadOf(read, plan, base), isTooSlow };
        },
        measured: async (bytesPerSecond) => {
          const { bytesPerSecond: before = Number.POSITIVE_INFINITY } = await noted;
          if (!bytesPerSecond || tells === 'nothing') return;
          if (tells === 'the rate' || bytesPerSecond > before) remember(bytesPerSecond);
        },
        arrived: (read, near) => {
          if (!deltaHelps(near && !distant)) return;
          const note = async () => {
            await keepOnce(read);
            const before = await noted;
            now = { ...before, ...now, left: leftWith(read.sha256, before) };
            if (folder) await writeNote(folder, name, now);
          };
          // Without a folder for it, which was said.
          writing.push(note().catch(() => undefined));
        },
      };
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(writing);
      for (const payload of await Promise.allSettled(payloads.values())) {
        if (payload.status === 'fulfilled') await payload.value[Symbol.asyncDispose]();
      }
      for (const base of await Promise.all(bases.values())) if ('file' in base) await base.file.handle.close();
    },
  };
}

/** Calls `make` the first time only. */
function once<Arguments extends unknown[], Value>(make: (...values: Arguments) => Value) {
  let made: { value: Value } | undefined;
  return (...values: Arguments) => {
    made ??= { value: make(...values) };
    return made.value;
  };
}

async function openBase(kept: () => Promise<Kept>, sha256: string): Promise<Base> {
  try {
    const file = await (await kept()).open(sha256);
    if (!file) return { lacks: "this runner did not keep the target's present file" };
    if (file.bytes <= MOST_DELTA_BYTES) return { sha256, file };
    await file.handle.close();
    return { lacks: 'the files are too large for one' };
  } catch (error) {
    return { lacks: `this runner keeps no files: ${(error as Error).message}` };
  }
}

function rememberedLink({ bytesPerSecond }: Note): Link | undefined {
  return bytesPerSecond ? { bytesPerSecond, from: REMEMBERED } : undefined;
}

/** What an upload tells of its link: the target may take longer to undo a delta, and on this machine anything but plain bytes. */
function tellsOf(encoding: Encoding, near: boolean): 'the rate' | 'a higher rate' | 'nothing' {
  if (encoding === 'plain') return 'the rate';
  if (near) return 'nothing';
  return encoding.startsWith('delta') ? 'a higher rate' : 'the rate';
}

function deltaLacks({ bytes }: Source, { tools, present }: Receiver): string | undefined {
  if ('lacks' in present) return present.lacks;
  if (!tools.has('perl')) return 'the target has no perl';
  return bytes > MOST_DELTA_BYTES ? 'the files are too large for one' : undefined;
}

function inCommon({ zstd }: Compressors, tools: ReadonlySet<string>): Compressor[] {
  return [...(zstd && tools.has('zstd') ? ['zstd' as const] : []), ...(tools.has('gzip') ? ['gzip' as const] : [])];
}

async function* encode(
  source: Source,
  form: { encoding: Encoding; level: number; base: OpenFile | undefined; has: Compressors },
): AsyncGenerator<Buffer> {
  const { encoding, level, base, has } = form;
  if (encoding === 'plain') {
    yield* createReadStream(source.path, { highWaterMark: BLOCK_BYTES });
    return;
  }
  const by: Compressor = encoding.endsWith('zstd') ? 'zstd' : 'gzip';
  if (!base) {
    const whole = createReadStream(source.path, { highWaterMark: BLOCK_BYTES });
    yield* compress(whole, { by, level, adapt: true, has });
    return;
  }
  const handle = await open(source.path);
  try {
    yield* compress(deltaOf({ handle, bytes: source.bytes }, base), { by, level, adapt: false, has });
  } finally {
    await handle.close();
  }
}

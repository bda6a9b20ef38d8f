import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import type { ActionContext } from '../action/action.ts';
import { deltaOf, type OpenFile } from '../delta/delta.ts';
import { MOST_DELTA_BYTES } from '../delta/plan-parts.ts';
import type { Source } from '../source.ts';
import { type Compressors, compress, findCompressors } from './compress.ts';
import { type Kept, openKept } from './kept.ts';
import { recallLink, rememberLink } from './links.ts';
import { type Payload, spooled, streamed } from './payload.ts';
import {
  assumedLink,
  type Compressor,
  type Encoding,
  planTransfer,
  type TransferPlan,
  type Wanted,
} from './plan-transfer.ts';

/** What is known of a target when a file is to be sent to it. */
export interface Receiver {
  name: string;
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
}

/** All uploads of the step: each form of the source is made once, for however many targets. */
export interface Transfers extends AsyncDisposable {
  choose(source: Source, receiver: Receiver): Promise<Transfer>;
  /** How fast the way to a target was. */
  measured(name: string, bytesPerSecond: number | undefined): Promise<void>;
  /** The source is a target's present file now: it is kept for later deltas, where one may help. */
  arrived(source: Source, near: boolean): void;
}

type Base = { sha256: string; file: OpenFile } | { lacks: string };

const FOLDER = 'forgejo-deploy-toolkit';
const BLOCK_BYTES = 256 * 1024;

/** Nothing is opened or made before it is asked for. */
export function openTransfers(
  { wanted, several }: { wanted: Wanted; several: boolean },
  { env, log }: Pick<ActionContext, 'env' | 'log'>,
): Transfers {
  const cache = env('RUNNER_TOOL_CACHE');
  const folder = cache && `${cache}/${FOLDER}`;
  const once = <Value>(make: () => Value) => {
    let made: { value: Value } | undefined;
    return () => {
      made ??= { value: make() };
      return made.value;
    };
  };
  const kept = once(() => (folder ? openKept(folder) : Promise.reject(new Error('RUNNER_TOOL_CACHE is not set'))));
  const compressors = once(findCompressors);
  const bases = new Map<string, Promise<Base>>();
  const payloads = new Map<string, Promise<Payload>>();
  let keeping: Promise<unknown> | undefined;
  const deltaHelps = (near: boolean) => wanted === 'delta' || (wanted === 'auto' && !near);

  const baseOf = async (source: Source, { near, tools, present }: Receiver): Promise<Base> => {
    if (!deltaHelps(near)) return { lacks: 'none is wanted' };
    if ('lacks' in present) return present;
    const lacks = deltaLacks(source, tools);
    if (lacks) return { lacks };
    const { sha256 } = present;
    const found = bases.get(sha256) ?? openBase(kept, sha256);
    bases.set(sha256, found);
    return found;
  };

  const payloadOf = (source: Source, plan: TransferPlan, base: OpenFile | undefined) => {
    const key = `${plan.encoding} ${base ? base.handle.fd : ''}`;
    const has = compressors();
    const make = () => encode(source, { plan, base, has });
    // A delta is small, and its making goes on while the target gets ready.
    const found =
      payloads.get(key) ??
      (plan.encoding !== 'plain' && (several || base)
        ? spooled(make, env('RUNNER_TEMP') ?? tmpdir()).catch(() => streamed(make))
        : Promise.resolve(streamed(make)));
    payloads.set(key, found);
    return found;
  };

  return {
    choose: async (source, receiver) => {
      const { name, near, roundTripMs, tools } = receiver;
      const base = await baseOf(source, receiver);
      const plan = planTransfer({
        wanted,
        bytes: source.bytes,
        near,
        compressors: wanted === 'plain' || (wanted === 'auto' && near) ? [] : inCommon(compressors(), tools),
        base,
        link: (folder && (await recallLink(folder, name))) || assumedLink(roundTripMs),
      });
      const against = plan.encoding.startsWith('delta') && 'file' in base ? base.file : undefined;
      return { encoding: plan.encoding, why: plan.why, payload: await payloadOf(source, plan, against) };
    },
    measured: async (name, bytesPerSecond) => {
      if (!folder || !bytesPerSecond) return;
      await kept()
        .then(() => rememberLink(folder, name, bytesPerSecond))
        .catch(() => undefined);
    },
    arrived: (source, near) => {
      if (!deltaHelps(near)) return;
      keeping ??= kept()
        .then((files) => files.keep(source.path, source.sha256))
        .catch((error: Error) => log.line(`Not kept for a delta next time: ${error.message}.`));
    },
    [Symbol.asyncDispose]: async () => {
      await keeping;
      for (const payload of await Promise.allSettled(payloads.values())) {
        if (payload.status === 'fulfilled') await payload.value[Symbol.asyncDispose]();
      }
      for (const base of await Promise.all(bases.values())) if ('file' in base) await base.file.handle.close();
    },
  };
}

async function openBase(kept: () => Promise<Kept>, sha256: string): Promise<Base> {
  try {
    const file = await (await kept()).open(sha256);
    if (!file) return { lacks: "this runner has not kept the target's present file" };
    if (file.bytes <= MOST_DELTA_BYTES) return { sha256, file };
    await file.handle.close();
    return { lacks: 'the files are too large for one' };
  } catch (error) {
    return { lacks: `this runner keeps no files: ${(error as Error).message}` };
  }
}

function deltaLacks({ bytes }: Source, tools: ReadonlySet<string>): string | undefined {
  if (!tools.has('perl')) return 'the target has no perl';
  return bytes > MOST_DELTA_BYTES ? 'the files are too large for one' : undefined;
}

function inCommon({ zstd }: Compressors, tools: ReadonlySet<string>): Compressor[] {
  return [...(zstd && tools.has('zstd') ? ['zstd' as const] : []), ...(tools.has('gzip') ? ['gzip' as const] : [])];
}

async function* encode(
  source: Source,
  { plan, base, has }: { plan: TransferPlan; base: OpenFile | undefined; has: Compressors },
): AsyncGenerator<Buffer> {
  if (plan.encoding === 'plain') {
    yield* createReadStream(source.path, { highWaterMark: BLOCK_BYTES });
    return;
  }
  const by: Compressor = plan.encoding.endsWith('zstd') ? 'zstd' : 'gzip';
  if (!base) {
    yield* compress(createReadStream(source.path, { highWaterMark: BLOCK_BYTES }), {
      by,
      level: plan.level,
      adapt: true,
      has,
    });
    return;
  }
  const handle = await open(source.path);
  try {
    const delta = deltaOf({ handle, bytes: source.bytes }, base);
    yield* compress(delta, { by, level: plan.level, adapt: false, has });
  } finally {
    await handle.close();
  }
}

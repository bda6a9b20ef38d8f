import { megabytes, short } from '../values.ts';

/** The input `transfer`. */
export type Wanted = 'auto' | 'delta' | 'compressed' | 'plain';

export type Compressor = 'zstd' | 'gzip';

/** How the bytes travel; the target undoes it. */
export type Encoding = 'plain' | Compressor | `delta-${Compressor}`;

/** What the choice rests on. */
export interface Circumstances {
  wanted: Wanted;
  bytes: number;
  /** Bytes cost nothing on the way: the target is this very machine. */
  near: boolean;
  /** Those that both ends have, best first. */
  compressors: readonly Compressor[];
  /** The target's present file, as it is known to the runner too, or why there can be no delta against it. */
  base: { sha256: string } | { lacks: string };
  link: Link;
}

export interface Link {
  bytesPerSecond: number;
  /** Where that is from: `measured last time`. */
  from: string;
}

export interface TransferPlan {
  encoding: Encoding;
  /** Of the compressor: the slower the link, the harder. */
  level: number;
  /** One line: what is taken, and why. */
  why: string;
}

const SMALL_BYTES = 16_384;
/** Below, a delta saves less than its start takes. */
const SMALL_DELTA_BYTES = 1_000_000;
/** What compressed files and deltas of rebuilds usually are of the whole. */
const SHRINKS = { zstd: 0.27, gzip: 0.31, 'delta-zstd': 0.05, 'delta-gzip': 0.08, plain: 1 };
/** Bytes of the file per second, on the end that takes longer for it. */
const SPEEDS = { zstd: 300e6, gzip: 70e6, 'delta-zstd': 150e6, 'delta-gzip': 70e6, plain: 700e6 };
/** Reading the old file twice, to prove and to index it, in bytes per second. */
const OLD_BYTES_PER_SECOND = 400e6;

/** Pure: takes the way that ends soonest, or the one that is wanted as far as both ends can. */
export function planTransfer(circumstances: Circumstances): TransferPlan {
  const { wanted, bytes, near, compressors, base, link } = circumstances;
  const plan = (encoding: Encoding, why: string) => ({
    encoding,
    level: levelFor(encoding, link.bytesPerSecond),
    why: `${named(encoding, base)}, ${why}`,
  });
  const [best] = compressors;
  const lacks = deltaLacks(circumstances);
  if (wanted === 'plain') return plan('plain', 'because transfer is plain');
  if (wanted === 'auto' && near) return plan('plain', 'because the target is this machine');
  if (bytes < SMALL_BYTES) return plan('plain', `because ${megabytes(bytes)} is too small to compress`);
  if (!best) return plan('plain', 'because runner and target share neither zstd nor gzip');
  if (wanted === 'compressed') return plan(best, 'because transfer is compressed');
  if (wanted === 'delta')
    return lacks ? plan(best, `no delta, because ${lacks}`) : plan(`delta-${best}`, 'because transfer is delta');
  const ways: Encoding[] = [...(lacks ? [] : [`delta-${best}` as const]), best, 'plain'];
  const sooner = ways.map((encoding) => ({ encoding, seconds: secondsOf(encoding, bytes, link) }));
  const [first, ...others] = sooner.sort((a, b) => a.seconds - b.seconds) as [(typeof sooner)[0], ...typeof sooner];
  const times = [first, ...others].map(({ encoding, seconds }) => `${plainName(encoding)} ${seconds.toFixed(1)} s`);
  const rate = `${megabytes(link.bytesPerSecond)}/s (${link.from})`;
  return plan(first.encoding, `at ${rate}: ${times.join(', ')}${lacks ? `; no delta, because ${lacks}` : ''}`);
}

/** What it must save to begin an upload anew: most of what is left, and seconds that somebody notices. */
const WORTH = { ofWhatIsLeft: 0.5, seconds: 10 };

/**
 * Pure: the way that still ends much sooner than the one an upload is on, now that its first `sentBytes` have shown what the
 * link carries; undefined when there is none.
 */
export function soonerWay(
  current: Encoding,
  circumstances: Circumstances,
  sentBytes: number,
): TransferPlan | undefined {
  const { bytes, link } = circumstances;
  const left = secondsOf(current, bytes, link) - sentBytes / link.bytesPerSecond;
  const plan = planTransfer(circumstances);
  const saved = left - secondsOf(plan.encoding, bytes, link);
  return saved > WORTH.seconds && saved > WORTH.ofWhatIsLeft * left ? plan : undefined;
}

/** What is assumed of a link that was never measured: nearby ones are fast, distant ones are not. */
export function assumedLink(roundTripMs: number): Link {
  const bytesPerSecond = roundTripMs < 3 ? 110e6 : roundTripMs < 15 ? 25e6 : 6e6;
  return { bytesPerSecond, from: `assumed from a round trip of ${Math.round(roundTripMs)} ms` };
}

function deltaLacks({ wanted, base, bytes }: Circumstances): string | undefined {
  if ('lacks' in base) return base.lacks;
  return wanted === 'auto' && bytes < SMALL_DELTA_BYTES ? `${megabytes(bytes)} is too small for one` : undefined;
}

/** Making, sending and undoing it go on side by side: the slowest of them counts. */
function secondsOf(encoding: Encoding, bytes: number, link: Link): number {
  const start = encoding.startsWith('delta') ? bytes / OLD_BYTES_PER_SECOND : 0;
  return start + Math.max((bytes * SHRINKS[encoding]) / link.bytesPerSecond, bytes / SPEEDS[encoding]);
}

/**
 * Of a compressor, for a link that carries so much. Never so hard that the link has to wait: a delta is mostly zeros, and
 * takes one core to make while the others compress.
 */
export function levelFor(encoding: Encoding, bytesPerSecond = 0): number {
  if (encoding.startsWith('delta'))
    return bytesPerSecond > 60e6 ? 1 : bytesPerSecond > 5e6 ? 3 : bytesPerSecond > 1e6 ? 7 : 12;
  if (bytesPerSecond > 30e6) return 1;
  if (bytesPerSecond > 10e6) return 3;
  return bytesPerSecond > 4e6 ? 6 : 9;
}

function named(encoding: Encoding, base: Circumstances['base']): string {
  const [, compressor] = encoding.split('-');
  if (compressor)
    return `a delta against ${'sha256' in base ? short(base.sha256) : 'the present file'} with ${compressor}`;
  return encoding === 'plain' ? 'plain' : `compressed with ${encoding}`;
}

function plainName(encoding: Encoding): string {
  if (encoding.startsWith('delta')) return 'delta';
  return encoding === 'plain' ? 'plain' : 'compressed';
}

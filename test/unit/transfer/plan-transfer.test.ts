import { describe, expect, test } from 'vitest';
import {
  assumedLink,
  type Circumstances,
  type Encoding,
  levelFor,
  planTransfer,
  soonerWay,
} from '../../../lib/transfer/plan-transfer.ts';

const BASE = { sha256: 'c0ffee'.padEnd(64, '0') };
const REBUILD: Circumstances = {
  wanted: 'auto',
  bytes: 100e6,
  near: false,
  compressors: ['zstd', 'gzip'],
  base: BASE,
  link: { bytesPerSecond: 12.5e6, from: 'measured last time' },
};
const at = (bytesPerSecond: number) => ({ link: { bytesPerSecond, from: 'measured last time' } });
const lacks = { base: { lacks: 'the target has no perl' } };

describe('the way a file takes', () => {
  test.each<[string, Partial<Circumstances>, string]>([
    ['of a rebuild over 100 Mbit/s is a delta', {}, 'delta-zstd'],
    ['over 20 Mbit/s too', at(2.5e6), 'delta-zstd'],
    ['over a fast network is compression, which takes less time to make', at(110e6), 'zstd'],
    ['over one that is faster than zstd is plain', at(1200e6), 'plain'],
    ['on this very machine is plain', { near: true }, 'plain'],
    ['without a base is compression', lacks, 'zstd'],
    ['without zstd is a delta with gzip', { compressors: ['gzip'] }, 'delta-gzip'],
    ['without zstd and base is gzip', { compressors: ['gzip'], ...lacks }, 'gzip'],
    ['without any compressor is plain', { compressors: [] }, 'plain'],
    ['of 10 kB is plain', { bytes: 10_000 }, 'plain'],
    ['of 500 kB is compression', { bytes: 500_000 }, 'zstd'],
    ['that wants a delta is one, even on this machine', { wanted: 'delta', near: true }, 'delta-zstd'],
    ['that wants a delta of 500 kB is one', { wanted: 'delta', bytes: 500_000 }, 'delta-zstd'],
    ['that wants a delta without a base is compression', { wanted: 'delta', ...lacks }, 'zstd'],
    ['that wants a delta without any compressor is plain', { wanted: 'delta', compressors: [] }, 'plain'],
    ['that wants compression is that', { wanted: 'compressed' }, 'zstd'],
    ['that wants compression without zstd is gzip', { wanted: 'compressed', compressors: ['gzip'] }, 'gzip'],
    ['that wants it plain is plain, however slow the link', { wanted: 'plain', ...at(1000) }, 'plain'],
  ])('%s', (_, circumstances, encoding) => {
    expect(planTransfer({ ...REBUILD, ...circumstances }).encoding).toBe(encoding);
  });
});

test.each<[Partial<Circumstances>, string]>([
  [
    {},
    'a delta against c0ffee000000 with zstd, at 12.5 MB/s (measured last time): delta 0.9 s, compressed 2.2 s, plain 8.0 s',
  ],
  [
    { ...lacks, link: assumedLink(50) },
    'compressed with zstd, at 6.0 MB/s (assumed from a round trip of 50 ms): compressed 4.5 s, plain 16.7 s; no delta, because the target has no perl',
  ],
  [{ wanted: 'delta', ...lacks }, 'compressed with zstd, no delta, because the target has no perl'],
  [{ near: true }, 'plain, because the target is this machine'],
  [{ compressors: [] }, 'plain, because runner and target share neither zstd nor gzip'],
])('and the reason is one line: %j', (circumstances, why) => {
  expect(planTransfer({ ...REBUILD, ...circumstances }).why).toBe(why);
});

test('compression is harder the slower the link is', () => {
  const rates = [1e6, 5e6, 15e6, 25e6, 100e6];
  expect(rates.map((rate) => levelFor('delta-zstd', rate))).toEqual([12, 7, 3, 3, 1]);
  expect(rates.map((rate) => levelFor('zstd', rate))).toEqual([9, 6, 3, 3, 1]);
});

test('a link that was never measured is taken for what its round trip looks like', () => {
  const rates = [0.3, 8, 60].map((ms) => assumedLink(ms).bytesPerSecond);
  expect(rates).toEqual([...rates].sort((a, b) => b - a));
});

describe('an upload whose first bytes show what the link carries', () => {
  test.each<[string, Encoding, Partial<Circumstances>, number, string | undefined]>([
    ['is begun anew where that saves most of it', 'plain', at(1e6), 3e6, 'delta-zstd'],
    ['compressed where there is no base', 'plain', { ...at(1e6), ...lacks }, 3e6, 'zstd'],
    ['goes on where seconds are saved, but few', 'plain', at(12e6), 3e6, undefined],
    ['goes on where most of it is there already', 'plain', at(1e6), 92e6, undefined],
    ['goes on where nothing better is known', 'plain', { ...at(1e6), compressors: [] }, 3e6, undefined],
    ['goes on where it is on the best way', 'zstd', { ...at(1e6), ...lacks }, 3e6, undefined],
  ])('%s', (_, current, circumstances, sent, encoding) => {
    expect(soonerWay(current, { ...REBUILD, ...circumstances }, sent)?.encoding).toBe(encoding);
  });
});

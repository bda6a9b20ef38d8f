import { gunzipSync } from 'node:zlib';

const MOST_BYTES = 64 * 2 ** 20;

/** The listing in the lines that list.sh says; undefined when they were cut off, because the folder holds too much. */
export function unpackListing(lines: readonly string[]): string | undefined {
  try {
    return gunzipSync(Buffer.from(lines.join(''), 'base64'), { maxOutputLength: MOST_BYTES }).toString('utf8');
  } catch {
    return undefined;
  }
}

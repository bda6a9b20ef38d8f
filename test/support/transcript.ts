import { expect } from 'vitest';

/** What one test knows by name, longest first: `[/opt/fdt-x1/, '/opt/app']`. */
export type Names = readonly (readonly [from: string, to: string])[];

/**
 * Compares a log with test/transcripts/NAME.log, once everything that differs from run to run is replaced.
 * `npm run transcripts` writes the files anew.
 */
export async function expectTranscript(name: string, log: string, names: Names = []): Promise<void> {
  await expect(transcriptOf(log, names)).toMatchFileSnapshot(`../../transcripts/${name}.log`);
}

/** The log as it is in every run: names of the test, then times, sizes, pids, ports and digests in order of appearance. */
export function transcriptOf(log: string, names: Names = []): string {
  const lines = log.split('\n').filter((line) => !/^::add-mask::|^\[.*\] upload |^ {2}still waiting/.test(line));
  const named = names
    .toSorted(([one], [other]) => other.length - one.length)
    .reduce((text, [from, to]) => text.replaceAll(from, to), lines.join('\n'));
  const digests = numbered('0123456789abcdef', 12);
  const pids = new Map<string, string>();
  const pidOf = (pid: string) => {
    pids.set(pid, pids.get(pid) ?? String(1000 + pids.size));
    return pids.get(pid) ?? '';
  };
  return squeezed(named)
    .replaceAll(/^\[ *[\d.]+ s\]/gm, '[  0.0 s]')
    .replaceAll(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?/g, '2026-01-01T00:00:00Z')
    .replaceAll(/\b[0-9a-f]{64}\b|\b[0-9a-f]{40}\b|\b[0-9a-f]{12}\b/g, (digest) => digests(digest))
    .replaceAll(/\b(pid|pids) +(\d+)/g, (text, _, pid) => `${text.slice(0, -pid.length)}${pidOf(pid)}`)
    .replaceAll(/\b(downtime +|after (?=\d+\.)|retrying in )[\d.]+ (ms|s)\b/g, '$1N $2')
    .replaceAll(/\b(time +|sent +)[\d.]+ (s|[kM]B|bytes)\b/g, '$1N $2');
}

/** The table of several targets, without the widths and the times of its cells. */
function squeezed(text: string): string {
  return text.replaceAll(/^ {2}(target {2,}state|\S+@\S+ {2}).*$/gm, (row) =>
    row.replaceAll(/(?<=\S) {2,}/g, '  ').replaceAll(/[\d.]+ (ms|s|MB|kB)(?= {2}|$)/g, 'N $1'),
  );
}

/** Replaces what came first by its first letters, and so on: the same text gets the same replacement. */
function numbered(letters: string, length: number): (text: string) => string {
  const seen = new Map<string, string>();
  return (text) => {
    const key = text.slice(0, length);
    seen.set(key, seen.get(key) ?? (letters[(seen.size + 10) % letters.length] ?? '').repeat(length));
    return seen.get(key) ?? '';
  };
}

import { readFile } from 'node:fs/promises';
import { Failure } from '../../lib/errors.ts';
import { readSource, type Source } from '../../lib/source.ts';
import { treeDigest } from '../../lib/tree/compare-trees.ts';
import type { SourceEntry } from '../../lib/tree/entry.ts';
import { scanTree } from '../../lib/tree/scan-tree.ts';
import type { PlacedPart } from './kinds/as-program.ts';
import type { FolderPart } from './parts/part.ts';

const MOST_CONFIG_BYTES = 16 * 2 ** 20;

/** What a part is made of, read on the runner. */
export interface PartSource {
  source: Source;
  /** The bytes of a configuration. */
  content?: Buffer;
  /** The entries of a folder. */
  tree?: readonly SourceEntry[];
}

/** Reads what all parts are made of. Every source that can't be used is reported at once. */
export async function readSources(parts: readonly PlacedPart[]): Promise<PartSource[]> {
  const read = await Promise.allSettled(parts.map(readPart));
  const failed = read.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  const [first] = failed;
  if (failed.length > 1 && failed.every((error) => error instanceof Failure)) {
    throw new Failure({
      ...first.fields,
      what: 'Reading the sources',
      why: failed.map(({ fields }) => `${fields.what}: ${fields.why}`).join('\n'),
    });
  }
  if (first) throw first;
  return read.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}

async function readPart(part: PlacedPart): Promise<PartSource> {
  if (part.kind === 'folder') return readTree(part);
  const { program } = part;
  const source = await readSource(program.source ?? '', program.expectStrings, program.sha256);
  if (part.kind !== 'config') return { source };
  if (source.bytes > MOST_CONFIG_BYTES) throw unusable(part.source, ['it is larger than 16 MiB']);
  return { source, content: await readFile(part.source) };
}

async function readTree({ source: path, exclude, keep }: FolderPart): Promise<PartSource> {
  const { entries, problems } = await scanTree(path.replace(/\/+$/, ''), { exclude, keep });
  if (problems.length > 0) throw unusable(path, problems);
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  return { source: { path, bytes, sha256: treeDigest(entries), elf: undefined }, tree: entries };
}

function unusable(path: string, problems: readonly string[]): Failure {
  return new Failure({
    what: `Reading the source ${path}`,
    why: problems.map((problem) => `${problem}.`).join('\n'),
    state: 'untouched.',
    remedy: 'check the path and the build step before this one.',
  });
}

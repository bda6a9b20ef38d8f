import { cpus, release, totalmem } from 'node:os';
import { type Goal, goalRow, type Row, table } from './table.ts';

/** One heading, what it is about, and its tables. */
export interface Part {
  title: string;
  about: string;
  rows: readonly Row[];
  goals?: readonly Goal[];
  notes?: readonly string[];
}

/** docs/PERFORMANCE.md: the goals first, then what was measured. */
export function documentOf(parts: readonly Part[], date: Date): string {
  const goals = parts.flatMap(({ goals = [] }) => goals).map(goalRow);
  const gigabytes = (totalmem() / 2 ** 30).toFixed(0);
  return `${[
    '# Performance',
    'Written by `npm run bench`, which measures side by side in one run what the actions do and what people do by hand. Runner and target are one machine, so both share its processor; ratios count, not seconds.',
    `${date.toISOString().slice(0, 10)} · ${cpus().length} cores (${cpus()[0]?.model.trim()}) · ${gigabytes} GiB · Linux ${release()} · Node.js ${process.versions.node}`,
    '## Goals',
    table(goals),
    ...parts.map(partText),
  ].join('\n\n')}\n`;
}

/** One part, as it is printed when it is done. */
export function partText({ title, about, rows, notes = [] }: Part): string {
  return [`## ${title}`, about, table(rows), ...notes].join('\n\n');
}

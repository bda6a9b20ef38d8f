import { cpus, loadavg, release, totalmem } from 'node:os';
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
export function documentOf(parts: readonly Part[], machine: string): string {
  return `${[
    '# Performance',
    'Written by `npm run bench`, which measures in one run, side by side, what the actions do and what people do by hand. Runner and target are the same machine and share its processor: compare ratios, not seconds.',
    machine,
    '## Goals',
    goalsText(parts),
    ...parts.map(partText),
  ].join('\n\n')}\n`;
}

/** What must hold of what was measured, and whether it does. */
export function goalsText(parts: readonly Part[]): string {
  return table(parts.flatMap(({ goals = [] }) => goals).map(goalRow));
}

/** One part, as it is printed when it is done. */
export function partText({ title, about, rows, notes = [] }: Part): string {
  return [`## ${title}`, about, table(rows), ...notes].join('\n\n');
}

/** When and on what it is measured, and how busy that was before. */
export function machineNow(): string {
  const [first] = cpus();
  return [
    new Date().toISOString().slice(0, 10),
    `${cpus().length} cores (${first?.model.trim()})`,
    `${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    `Linux ${release()}`,
    `Node.js ${process.versions.node}`,
    `load before: ${loadavg()[0]?.toFixed(1)}`,
  ].join(' · ');
}

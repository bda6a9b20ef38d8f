/** One line of a table, by column. */
export type Row = Record<string, string>;

/** A Markdown table, its columns padded for readers of the plain text. */
export function table(rows: readonly Row[]): string {
  const head = Object.keys(rows[0] ?? {});
  const lines = [head, ...rows.map((row) => head.map((column) => row[column] ?? ''))];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const [first = [], ...others] = lines;
  return [first, widths.map((width) => '-'.repeat(width)), ...others]
    .map((line) => `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`)
    .join('\n');
}

/** Something that must hold: `ours` at most `limit` times `theirs`, or at most `limit` alone. */
export interface Goal {
  what: string;
  limit: number;
  measured: number;
  unit?: string;
}

export function goalRow({ what, limit, measured, unit = '×' }: Goal): Row {
  const digits = limit < 10 ? 2 : 0;
  const value = (number: number) => `${number.toFixed(digits)} ${unit}`;
  return {
    goal: what,
    'at most': value(limit),
    measured: value(measured),
    '': measured <= limit ? 'reached' : 'missed',
  };
}

export const seconds = (value: number) => `${value.toFixed(value < 10 ? 2 : 1)} s`;
export const milliseconds = (value: number) => (value > 0 ? `${Math.round(value * 1000)} ms` : '–');
export const megabytes = (bytes: number) => (bytes / 1e6).toFixed(2);
export const times = (ours: number, theirs: number) => (ours / theirs).toFixed(2);

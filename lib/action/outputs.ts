import * as core from '@actions/core';
import { defused, linesOf, oneLine, shortened } from '../foreign.ts';

/** Lists and records are written as JSON over several lines, at most 256 KiB. */
export type OutputValue = string | number | boolean | object | undefined;

const JSON_LIMIT_BYTES = 256 * 1024;
/** A line of 64 KiB fails the step on some runners, and a character has up to six bytes in JSON. */
const TEXT_LIMIT_CHARACTERS = 8000;

/**
 * Sets outputs of the step. Their texts are as harmless as lines of the log: a later step may print them. Lines stay far below the
 * 64 KiB at which runners lose a value, so JSON goes over several lines; above 256 KiB it is replaced by a note that says so.
 */
export async function writeOutputs(values: Record<string, OutputValue>): Promise<void> {
  // Without the file the toolkit would print a command that no supported runner reads.
  if (!process.env.GITHUB_OUTPUT) return;
  for (const [name, value] of Object.entries(values)) core.setOutput(name, outputText(value));
}

/** A table of the step summary. */
export interface Summary {
  title: string;
  /** Lines of a list between title and table. */
  list?: readonly string[];
  head: readonly string[];
  rows: readonly (readonly string[])[];
}

/** Appends to the step summary; nothing where the runner has none. */
export async function writeSummary(summary: Summary): Promise<void> {
  if (process.env.GITHUB_STEP_SUMMARY) await core.summary.addRaw(summaryMarkdown(summary), true).write();
}

/** An output as a runner gets it. */
export function outputText(value: OutputValue): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return harmless(value);
  if (typeof value !== 'object') return String(value);
  const json = harmlessJson(value);
  if (Buffer.byteLength(json) <= JSON_LIMIT_BYTES) return json;
  return JSON.stringify({ cut: `the whole value has ${Buffer.byteLength(json)} bytes, above ${JSON_LIMIT_BYTES}` });
}

/** As JSON over several lines, whose texts are as harmless as lines of the log. */
export function harmlessJson(value: object): string {
  return JSON.stringify(value, (_, inner) => (typeof inner === 'string' ? harmless(inner) : inner), 1);
}

/** Each of its lines as one of the log. */
function harmless(text: string): string {
  return shortened(
    linesOf(text)
      .map((line) => defused(oneLine(line)))
      .join('\n'),
    TEXT_LIMIT_CHARACTERS,
  );
}

/** The summary as Markdown in which no text becomes more than text: a cell, a link, an image, HTML, a mention. */
export function summaryMarkdown({ title, list = [], head, rows }: Summary): string {
  const row = (cells: readonly string[]) => `| ${head.map((_, column) => literal(cells[column] ?? '')).join(' | ')} |`;
  return [
    `### ${literal(title)}`,
    '',
    ...(list.length > 0 ? [...list.map((line) => `- ${literal(line)}`), ''] : []),
    row(head),
    `|${' --- |'.repeat(head.length)}`,
    ...rows.map(row),
    '',
  ].join('\n');
}

const CELL_LIMIT_CHARACTERS = 500;
/** None of these begins anything in the middle of a line of Markdown. */
const PLAIN = /^[\p{L}\p{N}✓✗ .,/()?>-]*$/u;
const STRUCTURE = /^([-+>]|\d+[.)](\s|$))|www\./i;

/** As it is where that has no meaning in Markdown; otherwise each character that could have one as a character reference. */
function literal(text: string): string {
  const line = shortened(oneLine(text).trim(), CELL_LIMIT_CHARACTERS);
  if (PLAIN.test(line) && !STRUCTURE.test(line)) return line;
  const references = line.replace(/[^\p{L}\p{N}✓✗ ,/()?-]/gu, (character) => `&#${character.codePointAt(0)};`);
  // What looks like a mention, an issue or an address is left alone in code.
  return `<code>${references}</code>`;
}

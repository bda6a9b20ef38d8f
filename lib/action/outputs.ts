import * as core from '@actions/core';
import type { OutputValue } from './action.ts';

const JSON_LIMIT_BYTES = 256 * 1024;

/**
 * Sets outputs of the step. Lines stay far below the 64 KiB at which runners lose a value, so JSON goes over several
 * lines; above 256 KiB it is replaced by a note that says so.
 */
export async function writeOutputs(values: Record<string, OutputValue>): Promise<void> {
  // Without the file the toolkit would print a command that no supported runner reads.
  if (!process.env.GITHUB_OUTPUT) return;
  for (const [name, value] of Object.entries(values)) core.setOutput(name, outputText(value));
}

/** Appends Markdown to the step summary; nothing where the runner has none. */
export async function writeSummary(markdown: string): Promise<void> {
  if (process.env.GITHUB_STEP_SUMMARY) await core.summary.addRaw(markdown, true).write();
}

function outputText(value: OutputValue): string {
  if (value === undefined) return '';
  if (typeof value !== 'object') return String(value);
  const json = JSON.stringify(value, null, 1);
  if (Buffer.byteLength(json) <= JSON_LIMIT_BYTES) return json;
  return JSON.stringify({ cut: `the whole value has ${Buffer.byteLength(json)} bytes, above ${JSON_LIMIT_BYTES}` });
}

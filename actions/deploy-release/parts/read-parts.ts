import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { InputError } from '../../../lib/errors.ts';
import { formatProblems, parseParts } from './parse-parts.ts';
import type { Part } from './part.ts';

const LIMIT_BYTES = 128 * 1024;

/** The parts of the input `parts`, or of the file that `parts-file` names. Throws one InputError with every problem. */
export async function readParts(given: {
  parts?: string | undefined;
  partsFile?: string | undefined;
}): Promise<Part[]> {
  const { parts: text, partsFile } = given;
  if ((text === undefined) === (partsFile === undefined))
    throw new InputError([`Input 'parts': ${text === undefined ? 'required, unless' : 'goes without'} parts-file.`]);
  const { parts, problems } = parseParts(text ?? (await textOfFile(partsFile ?? '')));
  if (problems.length > 0) throw new InputError(formatProblems(partsFile ?? "Input 'parts'", problems));
  return parts;
}

async function textOfFile(path: string): Promise<string> {
  try {
    // Without waiting for the other end of a pipe.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const about = await file.stat();
    if (!about.isFile()) throw new InputError([`Input 'parts-file': ${path} is not a regular file.`]);
    if (about.size > LIMIT_BYTES) throw new InputError([`Input 'parts-file': ${path} is longer than 128 KiB.`]);
    return await file.readFile('utf8');
  } catch (error) {
    if (error instanceof InputError) throw error;
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'does not exist on the runner' : `can't be read (${code})`;
    throw new InputError([`Input 'parts-file': ${path} ${why}.`]);
  }
}

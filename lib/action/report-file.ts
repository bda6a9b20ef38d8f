import { randomUUID } from 'node:crypto';
import { realpath, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { InputError } from '../errors.ts';
import type { Log } from './log.ts';
import { harmlessJson } from './outputs.ts';

/**
 * Prepares `report-file`, so that a wrong path ends the step before anything is deployed. Gives a function that writes the report as
 * JSON, whole or not at all; a failure of that is a warning, for the report does not change what was deployed.
 */
export async function openReportFile(path: string | undefined, log: Log): Promise<(report: object) => Promise<void>> {
  if (path === undefined) return async () => undefined;
  const file = await fileAt(path);
  return async (report) => {
    const written = `${file}.${randomUUID()}`;
    try {
      await writeFile(written, `${harmlessJson(report)}\n`, { flag: 'wx' });
      await rename(written, file);
    } catch (error) {
      await rm(written, { force: true });
      log.warning(`report-file ${path} could not be written: ${(error as Error).message}`);
    }
  };
}

/** The real place of the file. A link in the repository must not lead a relative path out of it. */
async function fileAt(path: string): Promise<string> {
  const problem = (message: string) => new InputError([`Input 'report-file': ${message}.`]);
  const folder = await realpath(dirname(resolve(path))).catch(() => undefined);
  if (folder === undefined) throw problem(`there is no folder ${dirname(path)} on the runner`);
  const way = relative(await realpath('.'), folder);
  if (!isAbsolute(path) && (way.startsWith('..') || isAbsolute(way)))
    throw problem(`${path} leads out of the workspace`);
  return join(folder, basename(path));
}

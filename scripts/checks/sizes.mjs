import { readFileSync } from 'node:fs';
import { filesBelow } from './imports.mjs';

/** The limits that Biome holds TypeScript to. */
export const MOST_FILE_LINES = 250;
export const MOST_FUNCTION_LINES = 70;

/** The shell files for targets. */
export function shellFiles() {
  return ['actions', 'lib', 'target'].flatMap((folder) => filesBelow(folder, '.sh'));
}

/** Lines of a shell file, without the line break at its end. */
export function fileLines(path) {
  return readFileSync(path, 'utf8').trimEnd().split('\n').length;
}

/** Name and lines of each function of a shell file that takes more than one line. */
export function functionLines(path) {
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.flatMap((line, at) => {
    const name = /^(\w+)\(\) *[{(]$/.exec(line)?.[1];
    const length = name ? lines.slice(at).findIndex((other) => /^[})]/.test(other)) + 1 : 0;
    return length > 0 ? [{ name, lines: length }] : [];
  });
}

import { readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { ConnectionError } from '../errors.ts';
import { type ConfigFile, matchesPatterns } from './config.ts';

/** The SSH config files that apply: the one given (which must exist), or the user's and the system's. */
export function configFiles(given: string | undefined, home: string): ConfigFile[] {
  if (given === undefined) return [`${home}/.ssh/config`, '/etc/ssh/ssh_config'].flatMap((path) => readIfThere(path));
  const path = given.replace(/^~(?=\/|$)/, home);
  const file = readIfThere(path);
  if (file.length > 0) return file;
  throw new ConnectionError({
    what: 'Reading the SSH config',
    why: `there is no readable file ${path} on the runner.`,
    remedy: 'correct ssh-config, or leave it out to use ~/.ssh/config.',
  });
}

/** The files an Include pattern names, in order. */
export function includedFiles(pattern: string): ConfigFile[] {
  return expand(pattern).flatMap((path) => readIfThere(path));
}

/** The text of a file, or nothing when it can't be read. */
export function readIfThere(path: string): ConfigFile[] {
  try {
    return [{ path, text: readFileSync(path, 'utf8') }];
  } catch {
    return [];
  }
}

function expand(pattern: string): string[] {
  if (!/[*?]/.test(pattern)) return [pattern];
  const folder = dirname(pattern);
  const name = pattern.slice(folder.length + 1);
  return expand(folder).flatMap((parent) => {
    try {
      const entries = readdirSync(parent).filter((entry) => !entry.startsWith('.') && matchesPatterns(entry, [name]));
      return entries.sort().map((entry) => `${parent}/${entry}`);
    } catch {
      return [];
    }
  });
}

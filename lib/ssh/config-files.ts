import { readFileSync, type Stats, statSync } from 'node:fs';
import { ConnectionError } from '../errors.ts';
import { ConfigError, type ConfigFile } from './config.ts';
import { globPaths } from './glob.ts';

const SYSTEM_CONFIG = '/etc/ssh/ssh_config';

/** The SSH config files that apply: the one given (which must exist), or the user's and the system's. */
export function configFiles(given: string | undefined, homes: readonly string[]): ConfigFile[] {
  if (given === undefined) {
    const own = homes.flatMap((home) => readChecked(`${home}/.ssh/config`));
    return [...own, ...readIfThere(SYSTEM_CONFIG).map((file) => ({ ...file, system: true }))];
  }
  const paths = given.startsWith('~/') ? homes.map((home) => `${home}/${given.slice(2)}`) : [given];
  const file = paths.flatMap((path) => readIfThere(path))[0];
  if (file) return [file];
  throw new ConnectionError({
    what: 'Reading the SSH config',
    why: `there is no readable file ${paths[0]} on the runner.`,
    remedy: 'correct ssh-config, or leave it out to use ~/.ssh/config.',
  });
}

/** The files an Include pattern names, in order. Throws a ConfigError for one that must not be read, as ssh ends there. */
export function includedFiles(pattern: string): ConfigFile[] {
  return globPaths(pattern).flatMap((path) => readChecked(path));
}

/** The text of a file, or nothing when it can't be read. */
export function readIfThere(path: string): ConfigFile[] {
  try {
    return [{ path, text: readFileSync(path, 'utf8') }];
  } catch {
    return [];
  }
}

/** As ssh reads it: one that others can write could lead anywhere. */
function readChecked(path: string): ConfigFile[] {
  const stat = statOf(path);
  if (!stat || stat.isDirectory()) return [];
  const owned = stat.uid === 0 || stat.uid === process.getuid?.();
  if (!owned || (stat.mode & 0o022) !== 0)
    throw new ConfigError(
      `${path} may be written by others than its owner, or has another owner; ssh refuses it too`,
      `give it to the account that runs the job, and run: chmod go-w ${path}`,
    );
  const [file] = readIfThere(path);
  if (!file) throw new ConfigError(`${path} can't be read`);
  return [file];
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

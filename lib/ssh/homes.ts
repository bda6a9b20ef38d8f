import { existsSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';

/** The runner's account; one that a container was only given by number has no name. */
export function runnerAccount(): { username: string; homedir: string } | undefined {
  try {
    return userInfo();
  } catch {
    return undefined;
  }
}

/**
 * Home folders of the runner's account. ssh knows only the first, the account's own; in a container job $HOME is often another
 * folder, where earlier steps wrote.
 */
export function runnerHomes(home: string | undefined): string[] {
  const homes = [runnerAccount()?.homedir, home ?? homedir()];
  return [...new Set(homes.filter((folder) => folder !== undefined))];
}

const USUAL_KEYS = ['id_rsa', 'id_ecdsa', 'id_ed25519'];

/** A config that lets ssh itself look in every home, in the order of `runnerHomes`; undefined where it does so anyway. */
export function configForHomes(homes: readonly string[]): string | undefined {
  if (!homes.slice(1).some((home) => existsSync(`${home}/.ssh`)) || homes.some((home) => /["\n%$]/.test(home)))
    return undefined;
  const files = (names: string[]) => homes.flatMap((home) => names.map((name) => `"${home}/.ssh/${name}"`));
  return [
    ...files(['config']).map((file) => `Include ${file}`),
    'Match all',
    'Include /etc/ssh/ssh_config',
    'Match all',
    ...files(USUAL_KEYS).map((file) => `IdentityFile ${file}`),
    `UserKnownHostsFile ${files(['known_hosts', 'known_hosts2']).join(' ')}`,
    '',
  ].join('\n');
}

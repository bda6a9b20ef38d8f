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

/** Where keys and known hosts are in every home, in the order of `runnerHomes`; empty where ssh looks there anyway. */
export function usualFiles(homes: readonly string[]): { identityFiles: string[]; knownHostsFiles: string[] } {
  if (homes.length < 2 || homes.some((home) => /["\n%$]/.test(home))) return { identityFiles: [], knownHostsFiles: [] };
  const files = (names: string[]) => homes.flatMap((home) => names.map((name) => `${home}/.ssh/${name}`));
  return { identityFiles: files(USUAL_KEYS), knownHostsFiles: files(['known_hosts', 'known_hosts2']) };
}

/** A config that lets ssh itself look in every home; undefined where it does so anyway. */
export function configForHomes(homes: readonly string[]): string | undefined {
  const { identityFiles, knownHostsFiles } = usualFiles(homes);
  if (identityFiles.length === 0 || !homes.slice(1).some((home) => existsSync(`${home}/.ssh`))) return undefined;
  return [
    ...homes.map((home) => `Include "${home}/.ssh/config"`),
    'Match all',
    'Include /etc/ssh/ssh_config',
    'Match all',
    ...identityFiles.map((file) => `IdentityFile "${file}"`),
    `UserKnownHostsFile ${knownHostsFiles.map((file) => `"${file}"`).join(' ')}`,
    '',
  ].join('\n');
}

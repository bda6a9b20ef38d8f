/** The runner's `ssh`: which OpenSSH, or why it can't be used. */
export type SshFound = { version: SshVersion } | { unusable: string };

/** `9.2` is { major: 9, minor: 2 }. */
export interface SshVersion {
  major: number;
  minor: number;
}

/** The oldest that the tests run with. */
const OLDEST: SshVersion = { major: 8, minor: 0 };

/** Reads what `ssh -V` prints; undefined where there is no such program. */
export function parseSshVersion(said: string | undefined): SshFound {
  if (said === undefined) return { unusable: 'there is no `ssh` on this runner' };
  const [, major, minor] = /^OpenSSH_(?:for_Windows_)?(\d+)\.(\d+)/.exec(said.trim()) ?? [];
  if (major === undefined || minor === undefined) {
    const other = /^Dropbear/i.test(said.trim()) ? "dropbear's client" : 'not OpenSSH';
    return { unusable: `the \`ssh\` of this runner is ${other}` };
  }
  const version = { major: Number(major), minor: Number(minor) };
  if (isSince(version, OLDEST)) return { version };
  return { unusable: `the \`ssh\` of this runner is OpenSSH ${nameOf(version)}; ${nameOf(OLDEST)} or later is needed` };
}

/** Whether `version` is `since` or later. */
export function isSince(version: SshVersion, since: SshVersion): boolean {
  return version.major > since.major || (version.major === since.major && version.minor >= since.minor);
}

export function nameOf({ major, minor }: SshVersion): string {
  return `${major}.${minor}`;
}

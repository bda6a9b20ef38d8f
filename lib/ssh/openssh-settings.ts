/** What `ssh -G` prints: how ssh would connect, by keyword in lower case. */
export type SshSettings = ReadonlyMap<string, readonly string[]>;

/** Reads it; keywords that add up have several values. */
export function parseSettings(text: string): SshSettings {
  const settings = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [, keyword, value] = /^([a-z0-9]+) (.*)$/i.exec(line.replace(/\r$/, '')) ?? [];
    if (keyword === undefined || value === undefined) continue;
    const name = keyword.toLowerCase();
    settings.set(name, [...(settings.get(name) ?? []), value]);
  }
  return settings;
}

/** The first value of a keyword; undefined where it is unset, or set to nothing. */
export function settingOf(settings: SshSettings, name: string): string | undefined {
  const [value] = settings.get(name) ?? [];
  return value === undefined || value.toLowerCase() === 'none' || value === '' ? undefined : value;
}

/** Whether `text` fits one pattern of ssh_config(5): `*` and `?`. Upper and lower case differ. */
export function matchesPattern(text: string, pattern: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll(/\*+/g, '[^]*')
    .replaceAll('?', '[^]');
  return new RegExp(`^${source}$`).test(text);
}

/** Whether `text` fits a list of patterns; one with `!` that fits excludes it, whatever else fits. */
export function matchesPatterns(text: string, patterns: readonly string[]): boolean {
  const negated = patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1));
  if (negated.some((pattern) => matchesPattern(text, pattern))) return false;
  return patterns.some((pattern) => !pattern.startsWith('!') && matchesPattern(text, pattern));
}

/** The same for names of hosts, where upper and lower case do not differ. */
export function matchesHostPatterns(host: string, patterns: readonly string[]): boolean {
  return matchesPatterns(
    host.toLowerCase(),
    patterns.map((pattern) => pattern.toLowerCase()),
  );
}

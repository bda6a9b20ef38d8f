/** What a call of git printed on its error output, by who said it. */
export interface Messages {
  /** git's and ssh's own lines; each text that they quote is replaced by `…`. */
  own: string;
  /** The server's words: what stands behind `remote:`, and its reasons for refusing a ref. For wording only. */
  server: string;
}

/**
 * Divides what git printed, so that nothing is concluded from a text that a repository or an address put into it: URLs, paths
 * and names of refs that git was given, and whatever else it puts in quotes.
 */
export function readMessages({ out, err, args }: { out: string; err: string; args: readonly string[] }): Messages {
  const lines = err.split('\n');
  const fromServer = lines.flatMap((line) => /^remote: ?(.*)$/.exec(line)?.[1] ?? []);
  const own = lines.filter((line) => !line.startsWith('remote:')).map((line) => withoutQuoted(line, args));
  return { own: own.join('\n'), server: [...fromServer, ...rejections(out).map(({ reason }) => reason)].join('\n') };
}

/** How one ref of a push was refused. */
export interface Rejection {
  /** `rejected`: by the git here, `remote rejected`: by the server. */
  by: string;
  reason: string;
}

/** Reads `git push --porcelain`: `!`, a tab, the refs, a tab, `[by] (reason)`. No name of a ref has a tab in it. */
export function rejections(out: string): Rejection[] {
  return [...out.matchAll(/^!\t[^\t\n]*\t\[([a-z ]+)\](?: \((.*)\))?$/gm)].map(([, by = '', reason = '']) => ({
    by,
    reason,
  }));
}

/** Of its arguments git quotes URLs, refs and paths; the longest first, since one may be the beginning of another. */
function withoutQuoted(line: string, args: readonly string[]): string {
  const texts = args.filter((arg) => /[/:]/.test(arg)).toSorted((one, other) => other.length - one.length);
  const blanked = texts.reduce((text, quoted) => text.replaceAll(quoted, '…'), line);
  return blanked.replaceAll(/'[^']*'/g, "'…'").replaceAll(/"[^"]*"/g, '"…"');
}

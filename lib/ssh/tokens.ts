/** What can't be replaced, and why. */
export class TokenError extends Error {}

/** Replaces `%x` by `tokens`, and `${NAME}` by variables of the environment where `env` is given. */
export function expandTokens(
  text: string,
  tokens: Readonly<Record<string, string>>,
  env?: (name: string) => string | undefined,
): string {
  return text.replace(env ? /%(.?)|\$\{([^}]*)(\}?)/gs : /%(.?)/gs, (found, token, name, close) => {
    if (found.startsWith('%')) {
      if (token === '%') return '%';
      const value = tokens[token];
      if (value === undefined) throw new TokenError(`the token %${token} in '${text}' is not supported`);
      return value;
    }
    if (name === '' || close === '') throw new TokenError(`the variable in '${text}' has no name or no closing }`);
    const value = env?.(name);
    if (value === undefined) throw new TokenError(`the environment variable ${name} is not set`);
    return value;
  });
}

/** Replaces `~` and `~account` at the beginning of a path. */
export function expandTilde(path: string, home: string, homeOf: (account: string) => string | undefined): string {
  const [, account, rest = ''] = /^~([^/]*)\/*(.*)$/s.exec(path) ?? [];
  if (account === undefined) return path;
  const folder = account === '' ? home : homeOf(account);
  if (folder === undefined) throw new TokenError(`the runner has no account ${account} (${path})`);
  return `${folder.replace(/\/$/, '')}/${rest}`;
}

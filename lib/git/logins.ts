import type { GitResult } from './process.ts';
import { parseRemote } from './url.ts';

/** One way to log in by ssh: the command that git calls, and the agent with the key. */
export interface SshLogin {
  command: string;
  agentSocket: string | undefined;
}

/** A call of git to `remote`, with the login that opens it. */
export type CallAs = (
  call: { remote: string | undefined; isPush: boolean },
  run: (login: SshLogin | undefined) => Promise<GitResult>,
) => Promise<GitResult>;

/**
 * A forge takes any key it knows, and then gives a deploy key its one repository only: ssh never offers the next key. So each
 * is tried in turn for every repository, and again for the push, which a key may lack the right for. The one that opened it
 * is remembered.
 */
export function tryLogins(logins: readonly SshLogin[]): CallAs {
  const known = new Map<string, SshLogin>();
  return async ({ remote, isPush }, run) => {
    if (logins.length < 2 || remote === undefined || parseRemote(remote)?.kind !== 'ssh') return run(logins[0]);
    const key = `${isPush ? 'push' : 'fetch'} ${remote}`;
    const first = known.get(key) ?? logins[0];
    let result = await run(first);
    for (const login of logins.filter((one) => one !== first)) {
      if (!isClosedAtOnce(result)) break;
      result = await run(login);
      if (!isClosedAtOnce(result)) known.set(key, login);
    }
    return result;
  };
}

/** git's own last line when the other side ends before it has said what it has; nothing was read or written then. */
export function isClosedAtOnce({ code, err }: { code: number; err: string }): boolean {
  return code !== 0 && /^fatal: Could not read from remote repository\.$/m.test(err);
}

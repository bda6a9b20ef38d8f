import { GitError } from '../errors.ts';
import type { Git, GitOptions } from './git.ts';

/** Runs git and throws a GitError with what it said when it fails. */
export async function expectGit(
  git: Git,
  args: readonly string[],
  told: { what: string; where: string },
  options: GitOptions = {},
) {
  const result = await git(args, options);
  if (result.code !== 0) throw gitFailure(told, result);
  return result;
}

const REASONS: [pattern: RegExp, why: string, remedy: string][] = [
  [
    /authentication failed|could not read username|error: 401|invalid credentials/i,
    'the credentials are refused.',
    'give a token (or key) that may read and write that repository.',
  ],
  [
    /error: 403|forbidden|access denied|not allowed|permission denied/i,
    'access is denied.',
    'give a token (or key) that may write there; the automatic token of a run may not push to another repository.',
  ],
  [
    /error: 404|not found|does not exist|not appear to be a git repository/i,
    'there is no such repository, or these credentials may not see it.',
    'correct the address, or give a token that may read it.',
  ],
  [
    /error: 30\d|unable to update url base from redirection/i,
    'the server says that the repository is elsewhere, and the token is for this address.',
    'give the address it has now, as repository or in .gitmodules.',
  ],
  [/archived/i, 'the repository is archived.', 'unarchive it, or leave it out.'],
  [/protected/i, 'the branch is protected.', 'allow this account to push there, or name another branch.'],
  [/hook declined|pre-receive/i, 'a hook of the server declined it.', 'read what it says below.'],
  [/could not resolve host/i, 'the host is unknown.', 'correct the address.'],
  [/git can't be started/i, 'there is no git on this runner.', 'install git where the job runs.'],
  [/did not end within/i, 'git did not end within its limit.', 'check the network to that server, then run it again.'],
  [
    /host key verification failed/i,
    'the host key is unknown or has changed.',
    "give its line as known-hosts, after comparing it with what the server's owner says.",
  ],
];

/** A failure of git with its reason in words, as far as it is known. */
export function gitFailure(
  { what, where }: { what: string; where: string },
  { out, err }: { out: string; err: string },
): GitError {
  const known = REASONS.find(([pattern]) => pattern.test(`${err}\n${out}`));
  return new GitError({
    what,
    where,
    why: known?.[1] ?? 'git could not do it.',
    remedy: known?.[2] ?? 'read what git says below.',
    output: err || out,
  });
}

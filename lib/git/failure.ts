import { GitError } from '../errors.ts';
import type { Git, GitOptions, GitResult } from './git.ts';
import { readMessages } from './messages.ts';

/** Runs git and throws a GitError with what it said when it fails. */
export async function expectGit(
  git: Git,
  args: readonly string[],
  about: { what: string; where: string },
  options: GitOptions = {},
) {
  const result = await git(args, options);
  if (result.code !== 0) throw gitFailure(about, result);
  return result;
}

type Reason = [pattern: RegExp, why: string, remedy: string];

const REFUSED: [string, string] = [
  'access is denied.',
  "give a token (or key) that may write there; a run's automatic token may not push to another repository.",
];
const NOT_FOUND: [string, string] = [
  'there is no such repository, or these credentials may not see it.',
  'correct the address, or give a token or key that may read it. A deploy key opens one repository only: give one key for each, one after the other, in `ssh-key`.',
];

/** By the server's words: they tell the cause where git only knows that it was refused. */
const SERVER_REASONS: Reason[] = [
  [
    /protected (branch|ref)|branch .* is protected|protected from push|GH006|GH013|rule violations/i,
    'the branch is protected: a rule of the forge refuses this push, whatever the token may do.',
    "allow this account to push in the branch's protection rule, or set `pull-request: true`.",
  ],
  [/archived/i, 'the repository is archived.', 'unarchive it, or leave it out.'],
  [
    /DENIED by/,
    'the server gives this key no access to that repository (or it has another name there).',
    'correct the address, or allow the key there. A deploy key opens one repository only: give one key for each, one after the other, in `ssh-key`.',
  ],
  [
    /cannot lock ref .*\.lock.*File exists/i,
    'a lock file on the server holds the branch.',
    'if no push is in progress there, a git process crashed: remove the file named below on the server.',
  ],
  [
    /not allowed to push|not authorized to write|no(t have)? permission|read[- ]only|deploy key .* not authori[sz]ed to write/i,
    ...REFUSED,
  ],
  [/not authori[sz]ed to read|cannot find repository|repository .*(not found|not exist)/i, ...NOT_FOUND],
];

/** By git's and ssh's own lines, whose beginning no foreign text can forge. */
const OWN_REASONS: Reason[] = [
  [
    /^fatal: (Authentication failed|could not read (Username|Password))|returned error: 401$/m,
    'the credentials are refused.',
    'give a token (or key) that may read and write that repository.',
  ],
  [/returned error: 403$|^\S+: Permission denied|^(error|fatal): .*access denied/im, ...REFUSED],
  [
    /returned error: 404$|^fatal: (repository )?'…' (not found|does not (exist|appear to be a git repository))/m,
    ...NOT_FOUND,
  ],
  [/^ERROR: .*not found/im, ...NOT_FOUND],
  [
    /returned error: 30\d$|^fatal: unable to update url base from redirection/m,
    'the server redirects to another address, and the token is only for this one.',
    'use its new address, as `repository` or in .gitmodules.',
  ],
  [/^(fatal: .*|ssh: )could not resolve host/im, "the host's name can't be resolved.", 'correct the address.'],
  [/^git can't be started/m, 'there is no git on this runner.', 'install git where the job runs.'],
  [
    /^git did not finish within/m,
    'git did not finish within its limit.',
    'check the network to that server, then re-run the job.',
  ],
  [
    /^Host key verification failed/m,
    'the host key is unknown or has changed.',
    "add its line to `known-hosts`, after comparing it with the key that the server's owner publishes.",
  ],
  [
    /^fatal: transport '…' not allowed/m,
    'that kind of address is not allowed here.',
    'use https, ssh, or the kind of address that `repository` has.',
  ],
];

const DECLINED: Reason = [
  /hook declined|pre-receive/i,
  'a hook of the server declined it.',
  "see the server's output below.",
];

/** A failure of git with its reason in words, as far as it is known. */
export function gitFailure({ what, where }: { what: string; where: string }, result: GitResult): GitError {
  const { own, server } = readMessages(result);
  const [, why, remedy] =
    SERVER_REASONS.find(([pattern]) => pattern.test(server)) ??
    OWN_REASONS.find(([pattern]) => pattern.test(own)) ??
    (DECLINED[0].test(server) ? DECLINED : undefined) ??
    // Over ssh the server's words come without `remote:`.
    SERVER_REASONS.find(([pattern]) => pattern.test(own)) ??
    (/^fatal: Could not read from remote repository/m.test(own) ? CLOSED : UNKNOWN);
  return new GitError({ what, where, why, remedy, output: result.err || result.out });
}

const CLOSED: Reason = [
  /./,
  'the server closed the connection before it answered.',
  'see its output below: the key may lack permission, or the server may be down.',
];
const UNKNOWN: Reason = [/./, 'git failed.', "see git's output below."];

import { gitFailure } from '../../lib/git/failure.ts';
import type { Git, GitOptions, GitResult } from '../../lib/git/git.ts';
import { judgePush, type PushVerdict } from '../../lib/git/push.ts';
import { readTip } from '../../lib/git/tip.ts';
import { changedPaths, type Trees } from '../../lib/git/trees.ts';
import type { Agent } from '../../lib/ssh/agent.ts';
import type { Move } from './message.ts';

export interface Signature {
  name: string;
  email: string;
}

/** The commit that moves exactly these gitlinks on top of `tip`; proved so before it is given back. */
export async function buildCommit(
  { git, trees }: { git: Git; trees: Trees },
  tip: string,
  {
    moves,
    message,
    author,
    signer,
  }: { moves: readonly Move[]; message: string; author: Signature; signer: Agent | undefined },
): Promise<string> {
  const links = moves.map(({ path, to }) => ({ path, commit: to }));
  const tree = await trees.withGitlinks(tip, links);
  const env = {
    GIT_AUTHOR_NAME: author.name,
    GIT_AUTHOR_EMAIL: author.email,
    GIT_COMMITTER_NAME: author.name,
    GIT_COMMITTER_EMAIL: author.email,
  };
  const signing: GitOptions = signer
    ? {
        env: { ...env, SSH_AUTH_SOCK: signer.socket },
        config: [
          ['gpg.format', 'ssh'],
          ['user.signingKey', `key::${signer.publicKey}`],
        ],
      }
    : { env };
  const made = await git(['commit-tree', ...(signer ? ['-S'] : []), tree, '-p', tip], { input: message, ...signing });
  if (made.code !== 0) throw gitFailure({ what: 'Building the commit', where: tip }, made);
  const commit = made.out.trim();
  const changed = await changedPaths(git, tip, commit);
  const expected = new Set(moves.map(({ path }) => path));
  const others = changed.filter(({ path, mode }) => mode !== '160000' || !expected.has(path));
  if (others.length > 0 || changed.length !== expected.size) {
    throw new Error(
      `the commit built would change ${changed.map(({ path }) => path).join(', ') || 'nothing'}; this is a bug`,
    );
  }
  return commit;
}

export interface Pushed {
  verdict: PushVerdict;
  /** What git printed. */
  result: GitResult;
}

/**
 * Pushes `commit` as a compare-and-swap: only if the branch still is at `lease`. When the connection broke, what is there
 * is read, so that `pushed`, `closed` and `unclear` (still at the lease) are the truth.
 */
export async function pushCommit(
  git: Git,
  url: string,
  { branch, lease, commit }: { branch: string; lease: string; commit: string },
): Promise<Pushed> {
  const ref = `refs/heads/${branch}`;
  const asked = [
    'push',
    '--porcelain',
    '--no-verify',
    `--force-with-lease=${ref}:${lease}`,
    '--',
    url,
    `${commit}:${ref}`,
  ];
  const result = await git(asked, { remote: url });
  const verdict = judgePush(result);
  if (verdict !== 'unclear' && verdict !== 'closed') return { verdict, result };
  const there = await readTip(git, url, branch).catch(() => undefined);
  if (there === commit) return { verdict: 'pushed', result };
  if (there !== undefined && there !== lease) return { verdict: 'lost race', result };
  // What can't be read either is a broken connection.
  return { verdict: there === undefined ? 'unclear' : verdict, result };
}

/** So long nobody moves the branch, and yet the server says that somebody does: a lock that a crashed process has left. */
const HELD_SECONDS = 15;
/** So often the server ends a push before it begins, and yet lets the branch be read: it refuses. */
const CLOSED_AT_MOST = 5;

/** Tells after each failed push whether it is final though it looks like a lost race or a broken connection. */
export function watchPushes(): (verdict: PushVerdict, hasMoved: boolean) => boolean {
  let [closed, heldSince] = [0, Number.POSITIVE_INFINITY];
  return (verdict, hasMoved) => {
    closed = verdict === 'closed' ? closed + 1 : 0;
    heldSince = verdict === 'lost race' && !hasMoved ? Math.min(heldSince, Date.now()) : Number.POSITIVE_INFINITY;
    return closed >= CLOSED_AT_MOST || Date.now() - heldSince >= HELD_SECONDS * 1000;
  };
}

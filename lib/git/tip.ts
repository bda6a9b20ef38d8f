import { expectGit, gitFailure } from './failure.ts';
import type { Git } from './git.ts';

/** The tip of a branch at `url`: two small requests. Undefined when there is no such branch; a tag does not count. */
export async function readTip(git: Git, url: string, branch: string): Promise<string | undefined> {
  const ref = `refs/heads/${branch}`;
  const asked = ['ls-remote', '--', url, ref];
  const { out } = await expectGit(git, asked, { what: 'Reading the branch', where: url }, { remote: url });
  const line = out.split('\n').find((one) => one.endsWith(`\t${ref}`));
  return /^[0-9a-f]{40,64}(?=\t)/.exec(line ?? '')?.[0];
}

const KEPT = 'refs/tips/latest';

/** Fetches the tip of a branch of a clone's origin, which is at `url`, as thin as the clone is. */
export async function fetchTip(git: Git, url: string, branch: string): Promise<string> {
  const about = { what: `Fetching ${branch}`, where: url };
  const ref = `+refs/heads/${branch}:${KEPT}`;
  const fetched = await git(['fetch', '--quiet', '--no-tags', '--depth=1', '--', 'origin', ref]);
  if (fetched.code !== 0) throw gitFailure(about, fetched);
  return (await expectGit(git, ['rev-parse', `${KEPT}^{commit}`], about)).out.trim();
}

import { expectGit, gitFailure } from './failure.ts';
import type { Git } from './git.ts';

/** The tip of a branch at `url`: two small requests. Undefined when there is no such branch; a tag does not count. */
export async function readTip(git: Git, url: string, branch: string): Promise<string | undefined> {
  const ref = `refs/heads/${branch}`;
  const { out } = await expectGit(git, ['ls-remote', url, ref], { what: 'Reading the branch', where: url });
  const line = out.split('\n').find((one) => one.endsWith(`\t${ref}`));
  return line?.split('\t')[0];
}

const KEPT = 'refs/tips/latest';

/** Fetches the tip of a branch of a clone's origin, which is at `url`, as thin as the clone is. */
export async function fetchTip(git: Git, url: string, branch: string): Promise<string> {
  const told = { what: `Fetching ${branch}`, where: url };
  const fetched = await git(['fetch', '--quiet', '--no-tags', '--depth=1', 'origin', `+refs/heads/${branch}:${KEPT}`]);
  if (fetched.code !== 0) throw gitFailure(told, fetched);
  return (await expectGit(git, ['rev-parse', `${KEPT}^{commit}`], told)).out.trim();
}

import { setTimeout as sleep } from 'node:timers/promises';
import { getExecOutput } from '@actions/exec';
import { GitError } from '../errors.ts';

/** The oldest that knows every option used here; the tests run with it, too. */
const OLDEST = [2, 30] as const;
/** Since then commits can be signed with an ssh key that is in an agent. */
const OLDEST_TO_SIGN = [2, 35] as const;
const LIMIT_SECONDS = 15;

/** Asks the runner's git for its version. Throws a GitError where there is none, or one that is too old for what is asked. */
export async function requireGit({ path, signs }: { path: string; signs: boolean }): Promise<void> {
  const said = await answerOf(path);
  const found = /^git version (\d+)\.(\d+)/.exec(said ?? '');
  if (!found) {
    throw new GitError({
      ...CHECK,
      why:
        said === undefined ? 'there is no git on this runner.' : 'the `git` of this runner does not report a version.',
      remedy: 'install git where the job runs (its image, or the host).',
      output: said,
    });
  }
  const oldest = signs ? OLDEST_TO_SIGN : OLDEST;
  const [major, minor] = [Number(found[1]), Number(found[2])];
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return;
  throw new GitError({
    ...CHECK,
    why: `this runner has git ${major}.${minor}; ${signs ? '`signing-key` needs' : 'this action needs'} git ${oldest.join('.')} or later.`,
    remedy: 'install a newer git where the job runs (its image, or the host). Nothing was pushed.',
  });
}

const CHECK = { what: "Checking the runner's git" };

/** What it prints; undefined when there is none. */
async function answerOf(path: string): Promise<string | undefined> {
  const asked = getExecOutput('git', ['--version'], {
    silent: true,
    ignoreReturnCode: true,
    env: { PATH: path, LC_ALL: 'C' },
  }).then(
    ({ stdout, stderr }) => stdout || stderr,
    () => undefined,
  );
  const late = sleep(LIMIT_SECONDS * 1000, `no answer within ${LIMIT_SECONDS} s`, { ref: false });
  return Promise.race([asked, late]);
}

import type { Run } from '../../lib/action/run.ts';
import { ForgejoError } from '../../lib/errors.ts';
import { originOf, sameRepository } from '../../lib/git/url.ts';
import type { BumpInputs } from './inputs.ts';

/** The URL of the root repository: `owner/name` is on the server of this run. */
export function rootUrlOf(repository: string, run: Run): string {
  if (!/^[\w.-]+\/[\w.-]+$/.test(repository)) return repository;
  if (run.serverUrl) return `${run.serverUrl}/${repository}`;
  throw new ForgejoError({
    what: 'Finding the root repository',
    why: `${repository} is on the server of the run, and this is no run.`,
    remedy: 'give the whole URL as repository.',
  });
}

/**
 * The automatic token of a run can read its own repository's server, but push to no other repository, and a push with it
 * starts no workflow: said before anything is pushed.
 */
export function automaticTokenProblem(url: string, { token }: BumpInputs, run: Run): ForgejoError | undefined {
  if (token || run.serverUrl === '' || originOf(url) !== new URL(run.serverUrl).origin) return undefined;
  const own = sameRepository(url, `${run.serverUrl}/${run.repository}`);
  return new ForgejoError({
    what: 'Preparing the push',
    where: url,
    why: own
      ? 'the automatic token of a run may push here, but a push with it starts no workflow, so the deploy would never begin.'
      : 'the automatic token of a run may not push to another repository.',
    remedy:
      'create a token of a user with write access to the root repository (scope write:repository), store it as a secret, and give it as token.',
  });
}

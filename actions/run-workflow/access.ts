import type { ActionContext } from '../../lib/action/action.ts';
import { ForgejoError } from '../../lib/errors.ts';
import { apiOf, automaticToken, isOwnerAndName } from '../../lib/forge/access.ts';
import { type Forge, openForge } from '../../lib/forge/client.ts';
import type { RunInputs } from './inputs.ts';

/** The API of the repository whose workflow is started. Throws a ForgejoError where there is no token for it. */
export function openRepository({ repository, token: given }: RunInputs, context: ActionContext): Forge {
  const { run, log, signal } = context;
  const name = repository ?? run.repository;
  const url = isOwnerAndName(name) ? `${run.serverUrl}/${name}` : name;
  const about = { what: 'Preparing the start', where: name || undefined };
  const access = apiOf(url, run);
  if (!access || !isOwnerAndName(access.repository)) {
    throw new ForgejoError({
      ...about,
      why: 'this does not identify a repository on a forge.',
      remedy: 'give the https URL of the repository as `repository`.',
    });
  }
  const isOwn = access.apiUrl === run.apiUrl && access.repository.toLowerCase() === run.repository.toLowerCase();
  const token = given ?? (isOwn ? automaticToken(context) : undefined);
  if (token) return openForge({ ...access, token, signal, onRetry: (line) => log.line(`  ${line}`) });
  throw new ForgejoError({
    ...about,
    why: isOwn
      ? 'that needs a token, and this runner gives the step none.'
      : "that needs a token, and the run's automatic token is limited to its own repository.",
    remedy: isOwn
      ? "give the run's token (`github.token`) as `token`, and the job the permission `actions: write`."
      : 'create a token of a user with write access to that repository (scope write:repository), store it as a secret, and give it as `token`.',
  });
}

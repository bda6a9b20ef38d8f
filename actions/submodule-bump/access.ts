import type { ActionContext } from '../../lib/action/action.ts';
import type { Run } from '../../lib/action/run.ts';
import { ForgejoError } from '../../lib/errors.ts';
import { apiOf } from '../../lib/forge/access.ts';
import { type Forgejo, openForgejo } from '../../lib/forge/client.ts';
import type { Credentials } from '../../lib/git/git.ts';
import type { GitSsh } from '../../lib/git/ssh.ts';
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

const NETWORK = ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'];
const AUTHORITIES = ['GIT_SSL_CAINFO', 'GIT_SSL_CAPATH'];

/** What git may use, each secret for the host it is for. */
export function credentialsOf(
  url: string,
  { inputs, context, ssh }: { inputs: BumpInputs; context: ActionContext; ssh: GitSsh },
): Credentials {
  const { serverUrl } = context.run;
  const tokens: Record<string, string> = {};
  const rootOrigin = originOf(url);
  const automatic = automaticToken(context);
  if (automatic && serverUrl) tokens[new URL(serverUrl).origin] = automatic;
  // A token is for the host of the primary remote; a further one elsewhere gets none of it.
  if (inputs.token && rootOrigin) tokens[rootOrigin] = inputs.token;
  return {
    tokens,
    sshCommand: ssh.command,
    sshAgent: ssh.agentSocket ?? context.env('SSH_AUTH_SOCK'),
    network: Object.fromEntries(
      [...NETWORK, ...AUTHORITIES].flatMap((name) => {
        const value = context.env(name);
        return value === undefined ? [] : [[name, value]];
      }),
    ),
    // Where any host is believed, each connection says so, and a warning has told it already.
    onNewHostKey: (said) => {
      if (inputs.ssh.checking === 'accept-new')
        context.log.warning(`New host key accepted (host-key-checking: accept-new): ${said}`);
    },
    signal: context.signal,
  };
}

/** The API of the root's forge, where an input needs it. Throws a ForgejoError where there is none, or no token for it. */
export function rootForge(url: string, inputs: BumpInputs, context: ActionContext): Forgejo | undefined {
  const asking = [
    ...(inputs.pullRequest ? ['pull-request'] : []),
    ...(inputs.dispatch ? ['dispatch'] : []),
    ...(inputs.wait ? ['wait'] : []),
  ].join(' and ');
  if (asking === '' || inputs.dryRun) return undefined;
  const { run } = context;
  const access = apiOf(url, run);
  const told = { what: `Preparing ${asking}`, where: url };
  if (!access) {
    throw new ForgejoError({
      ...told,
      why: 'this address tells no forge with an API.',
      remedy: 'give the https URL of the root repository as repository. Nothing was pushed.',
    });
  }
  const isOwn = access.apiUrl === run.apiUrl && access.repository.toLowerCase() === run.repository.toLowerCase();
  const token = inputs.token ?? (isOwn ? automaticToken(context) : undefined);
  if (token) return openForgejo({ ...access, token });
  throw new ForgejoError({
    ...told,
    why: 'that needs a token, and the automatic one of a run reaches its own repository only.',
    remedy:
      'create a token of a user with write access to the root repository (scope write:repository), store it as a secret, and give it as token. Nothing was pushed.',
  });
}

function automaticToken({ env }: ActionContext): string | undefined {
  return env('FORGEJO_TOKEN') ?? env('GITEA_TOKEN') ?? env('GITHUB_TOKEN');
}

/**
 * The automatic token of a run can read its own repository's server, but push to no other repository, and a push with it
 * starts no workflow: said before anything is pushed.
 */
export function automaticTokenProblem(
  url: string,
  { token, dispatch, pullRequest }: BumpInputs,
  context: ActionContext,
): ForgejoError | undefined {
  const { run } = context;
  // GitHub exports none: what is there is one of the user's.
  const isAutomatic = token === undefined || (run.platform !== 'github' && token === automaticToken(context));
  if (!isAutomatic || run.serverUrl === '' || originOf(url) !== new URL(run.serverUrl).origin) return undefined;
  const own = sameRepository(url, `${run.serverUrl}/${run.repository}`);
  // A push with it starts nothing, but a dispatch with it does, and a pull request is meant to start nothing yet.
  if (own && (dispatch || pullRequest)) return undefined;
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

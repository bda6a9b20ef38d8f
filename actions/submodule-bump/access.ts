import type { ActionContext } from '../../lib/action/action.ts';
import type { Run } from '../../lib/action/run.ts';
import { ForgejoError } from '../../lib/errors.ts';
import { apiOf, automaticToken, isOwnerAndName } from '../../lib/forge/access.ts';
import { type Forge, openForge } from '../../lib/forge/client.ts';
import type { Credentials } from '../../lib/git/git.ts';
import type { GitSsh } from '../../lib/git/ssh.ts';
import { originOf, overHttps, parseRemote, sameRepository } from '../../lib/git/url.ts';
import type { BumpInputs } from './inputs.ts';

/** The URL of the root repository: `owner/name` is on the server of this run. */
export function rootUrlOf(repository: string, run: Run): string {
  if (!isOwnerAndName(repository)) return repository;
  if (run.serverUrl) return `${run.serverUrl}/${repository}`;
  throw new ForgejoError({
    what: 'Finding the root repository',
    why: '`owner/name` needs a workflow run, which says on which server it is.',
    remedy: 'set `repository` to the whole URL.',
  });
}

const NETWORK = ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'];
const AUTHORITIES = ['GIT_SSL_CAINFO', 'GIT_SSL_CAPATH'];

/** What git may use, each secret for the host it is for. */
export function credentialsOf(
  url: string,
  { inputs, context, ssh }: { inputs: BumpInputs; context: ActionContext; ssh: GitSsh },
): Credentials {
  const { log, signal, env } = context;
  const roots = [url, ...inputs.remotes.map((remote) => remote.url)];
  const isLocal = roots.some((root) => parseRemote(root)?.kind === 'file');
  return {
    tokens: tokensOf(url, inputs, context),
    logins: ssh.logins,
    protocols: ['https', 'http', 'ssh', ...(isLocal ? (['file'] as const) : [])],
    network: Object.fromEntries(
      [...NETWORK, ...AUTHORITIES].flatMap((name) => {
        const value = env(name);
        return value === undefined ? [] : [[name, value]];
      }),
    ),
    // Where any host is trusted, each connection says so, and a warning has told it already.
    onNewHostKey: (said) => {
      if (inputs.ssh.checking === 'accept-new')
        log.warning(`New host key accepted (host-key-checking: accept-new): ${said}`);
    },
    onSlow: (call, seconds) => log.line(`  still waiting for \`git ${call}\` after ${seconds} s`),
    signal,
  };
}

/** By origin. A token is for the host of the primary remote; a further one elsewhere gets none of it. */
function tokensOf(url: string, { token }: BumpInputs, context: ActionContext): Record<string, string> {
  const tokens: Record<string, string> = {};
  const [server, root] = [originOf(context.run.serverUrl), originOf(url)];
  const automatic = automaticToken(context);
  if (automatic && server) tokens[server] = automatic;
  if (token && root) tokens[root] = token;
  return tokens;
}

/**
 * Where a submodule's repository is read: one with an ssh URL on the root's own host is read over https where `token` is given
 * and `ssh-key` is not. Each is reported once.
 */
export function readingUrls(rootUrl: string, { token, ssh }: BumpInputs, { run, log }: ActionContext) {
  const origin = originOf(rootUrl);
  const base = origin !== undefined && originOf(run.serverUrl) === origin ? run.serverUrl : origin;
  const told = new Set<string>();
  return (url: string): string => {
    if (token === undefined || ssh.key !== undefined || base === undefined) return url;
    const reading = overHttps(url, base);
    if (reading === undefined) return url;
    if (!told.has(url)) log.line(`Reading ${url} as ${reading}, because \`token\` is given and \`ssh-key\` is not`);
    told.add(url);
    return reading;
  };
}

/** The API of the root's forge, where an input needs it. Throws a ForgejoError where there is none, or no token for it. */
export function rootForge(url: string, inputs: BumpInputs, context: ActionContext): Forge | undefined {
  const asking = [
    ...(inputs.pullRequest ? ['pull-request'] : []),
    ...(inputs.dispatch ? ['dispatch'] : []),
    ...(inputs.wait ? ['wait'] : []),
  ].join(' and ');
  if (asking === '' || inputs.dryRun) return undefined;
  const { run, log } = context;
  const access = apiOf(url, run);
  const about = { what: `Preparing ${asking}`, where: url };
  if (!access) {
    throw new ForgejoError({
      ...about,
      why: 'this URL does not identify a forge with an API.',
      remedy: 'set `repository` to the https URL of the root repository. Nothing was pushed.',
    });
  }
  const isOwn = access.apiUrl === run.apiUrl && access.repository.toLowerCase() === run.repository.toLowerCase();
  const token = inputs.token ?? (isOwn ? automaticToken(context) : undefined);
  if (token) return openForge({ ...access, token, onRetry: (line) => log.line(`  ${line}`) });
  throw new ForgejoError({
    ...about,
    why: "this needs a `token`, and the run's automatic token is limited to its own repository.",
    remedy: `${OWN_TOKEN} Nothing was pushed.`,
  });
}

const OWN_TOKEN =
  'create a token of a user with write access to the root repository (scope write:repository), store it as a secret, and set `token` to it.';

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
  if (!isAutomatic || run.serverUrl === '' || originOf(url) !== originOf(run.serverUrl)) return undefined;
  const own = sameRepository(url, `${run.serverUrl}/${run.repository}`);
  // A push with it starts nothing, but a dispatch with it does, and a pull request is meant to start nothing yet.
  if (own && (dispatch || pullRequest)) return undefined;
  return new ForgejoError({
    what: 'Preparing the push',
    where: url,
    why: own
      ? 'the automatic token of a run may push here, but a push with it starts no workflow, so the deploy would never start.'
      : 'the automatic token of a run may not push to another repository.',
    remedy: OWN_TOKEN,
  });
}

/** The same for a further remote, which gets the automatic token where `token` is for another server. */
export function furtherTokenProblem(
  rootUrl: string,
  inputs: BumpInputs,
  context: ActionContext,
): (url: string) => ForgejoError | undefined {
  const { run } = context;
  const automatic = automaticToken(context);
  const tokens = tokensOf(rootUrl, inputs, context);
  return (url) => {
    const origin = originOf(url);
    if (automatic === undefined || origin === undefined || origin !== originOf(run.serverUrl)) return undefined;
    if (run.platform === 'github' || tokens[origin] !== automatic) return undefined;
    if (sameRepository(url, `${run.serverUrl}/${run.repository}`)) return undefined;
    return new ForgejoError({
      what: 'Preparing the push',
      where: url,
      why: 'the automatic token of a run may not push to another repository, and `token` is for the server of `repository`.',
      remedy:
        'give that remote an ssh URL and `ssh-key`, make the repository on this server the primary one, or leave it out. Nothing was pushed.',
    });
  };
}

import type { ActionContext } from '../../lib/action/action.ts';
import { agentFor, gitSsh } from '../../lib/git/ssh.ts';
import { openTrees } from '../../lib/git/trees.ts';
import { requireGit } from '../../lib/git/version.ts';
import { workspace } from '../../lib/git/workspace.ts';
import {
  automaticTokenProblem,
  credentialsOf,
  furtherTokenProblem,
  readingUrls,
  rootForge,
  rootUrlOf,
} from './access.ts';
import { histories } from './ancestry.ts';
import type { BumpContext } from './bump-context.ts';
import { descendants } from './descendants.ts';
import type { BumpInputs } from './inputs.ts';
import { probableSource } from './modules.ts';
import { proposeBump } from './pull-request.ts';
import { race } from './race.ts';
import { pushFurther, readFurther, readPrimary } from './remotes.ts';
import { report } from './report.ts';
import { prepareWorkflow, seeThrough } from './workflow.ts';

/** The story: read every remote, move the pointer on the primary race-free, bring the others along, follow the run. */
export async function bump(inputs: BumpInputs, context: ActionContext): Promise<void> {
  const { log, run, env } = context;
  for (const secret of [inputs.token, inputs.ssh.key, inputs.ssh.passphrase, inputs.signingKey]) log.mask(secret);
  await context.outputs({ changed: false, result: '', attempts: 0 });
  const url = rootUrlOf(inputs.repository, run);
  const problem = automaticTokenProblem(url, inputs, context);
  if (problem) throw problem;
  const path = env('PATH') ?? '';
  await requireGit({ path, signs: inputs.signingKey !== undefined });
  if (inputs.ssh.checking === 'insecure') log.warning('`host-key-checking: insecure`: any SSH server will be trusted.');
  await using ssh = await gitSsh(inputs.ssh, { home: env('HOME'), agent: env('SSH_AUTH_SOCK') });
  await using signer = await agentFor('signing-key', inputs.signingKey, inputs.ssh.passphrase);
  const credentials = credentialsOf(url, { inputs, context, ssh });
  await using work = await workspace(env('RUNNER_TEMP'), path, credentials);
  const forge = rootForge(url, inputs, context);
  const workflow = forge ? await prepareWorkflow(forge, inputs, context) : undefined;
  const primary = readPrimary(work, url, inputs);
  const readingUrl = readingUrls(url, inputs, context);
  const historyAt = histories(work, async () => (await primary).root.format);
  const history = (place: string, expected: string | undefined) => historyAt(readingUrl(place), expected);
  const probable = probableSource(url, inputs.wanted, run);
  // Asked while the root is read, which may name another place: then this was in vain.
  const early = probable && history(probable.url, probable.expected).newest();
  early?.catch(() => undefined);
  const { git, root } = await primary;
  const { branch, tip } = root;
  log.line(`Root ${url}, branch ${branch}, at ${tip}`);
  const further = await readFurther(git, root, { inputs, problemOf: furtherTokenProblem(url, inputs, context) });
  const bumping: BumpContext = {
    git,
    trees: openTrees(git),
    roots: [root, ...further],
    history,
    inputs,
    context,
    signer,
  };
  const bumped =
    forge && inputs.pullRequest ? await proposeBump(forge, bumping) : await race(bumping, { branch, base: branch });
  if (!bumped) return;
  const remotes = await pushFurther(work, bumping, bumped);
  await report({ bumped, remotes, url, branch }, context);
  if (workflow) await seeThrough(workflow, { bumped, branch, context, descends: descendants(work, root) });
}

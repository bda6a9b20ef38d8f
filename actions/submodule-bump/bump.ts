import type { ActionContext } from '../../lib/action/action.ts';
import { agentFor, gitSsh } from '../../lib/git/ssh.ts';
import { openTrees } from '../../lib/git/trees.ts';
import { workspace } from '../../lib/git/workspace.ts';
import { automaticTokenProblem, credentialsOf, rootForge, rootUrlOf } from './access.ts';
import { histories } from './ancestry.ts';
import type { BumpInputs } from './inputs.ts';
import { probablePlace } from './plan.ts';
import { proposeBump } from './pull-request.ts';
import { type Bench, race } from './race.ts';
import { pushFurther, readFurther, readPrimary } from './remotes.ts';
import { report } from './report.ts';
import { prepareWorkflow, seeThrough } from './workflow.ts';

/** The story: look at every remote, move the pointer on the primary race-free, bring the others along, see the run through. */
export async function bump(inputs: BumpInputs, context: ActionContext): Promise<void> {
  const { log, run } = context;
  for (const secret of [inputs.token, inputs.ssh.key, inputs.ssh.passphrase, inputs.signingKey]) log.mask(secret);
  await context.outputs({ changed: false, result: '', attempts: 0 });
  const url = rootUrlOf(inputs.repository, run);
  const problem = automaticTokenProblem(url, inputs, context);
  if (problem) throw problem;
  if (inputs.ssh.checking === 'insecure') log.warning('host-key-checking is insecure: any ssh server is believed.');
  await using ssh = await gitSsh(inputs.ssh, context.env('HOME'));
  await using signer = await agentFor('signing-key', inputs.signingKey, inputs.ssh.passphrase);
  const credentials = credentialsOf(url, { inputs, context, ssh });
  await using work = await workspace(context.env('RUNNER_TEMP'), context.env('PATH') ?? '', credentials);
  const forgejo = rootForge(url, inputs, context);
  const workflow = forgejo ? await prepareWorkflow(forgejo, inputs, context) : undefined;
  const primary = readPrimary(work, url, inputs);
  const history = histories(work, async () => (await primary).root.format);
  const probable = probablePlace(url, inputs.wanted, run);
  // Asked while the root is read, which may tell another place: then this was in vain.
  const early = probable && history(probable.url, probable.expected).newest();
  early?.catch(() => undefined);
  const { git, root } = await primary;
  const { branch, tip } = root;
  log.line(`Root ${url}, branch ${branch}, at ${tip}`);
  const roots = [root, ...(await readFurther(git, root, inputs))];
  const bench: Bench = { git, trees: openTrees(git), roots, history, inputs, context, signer };
  const bumped =
    forgejo && inputs.pullRequest ? await proposeBump(forgejo, bench) : await race(bench, { branch, base: branch });
  if (!bumped) return;
  const remotes = await pushFurther(work, bench, bumped);
  await report({ bumped, remotes, url, branch }, context);
  if (workflow) await seeThrough(workflow, { bumped, branch, context });
}

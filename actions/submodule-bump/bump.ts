import type { ActionContext } from '../../lib/action/action.ts';
import { gitSsh } from '../../lib/git/ssh.ts';
import { workspace } from '../../lib/git/workspace.ts';
import { sshAgent } from '../../lib/ssh/agent.ts';
import { automaticTokenProblem, credentialsOf, rootForge, rootUrlOf } from './access.ts';
import type { BumpInputs } from './inputs.ts';
import { proposeBump } from './pull-request.ts';
import { type Bench, race } from './race.ts';
import { pushFurther, type Root, readRoots } from './remotes.ts';
import { report } from './report.ts';
import { prepareWorkflow, seeThrough } from './workflow.ts';

/** The story: look at every remote, move the pointer on the primary race-free, bring the others along, see the run through. */
export async function bump(inputs: BumpInputs, context: ActionContext): Promise<void> {
  const { log, run } = context;
  for (const secret of [inputs.token, inputs.ssh.key, inputs.ssh.passphrase, inputs.signingKey]) log.mask(secret);
  await context.outputs({ changed: false, result: '', attempts: 0 });
  const url = rootUrlOf(inputs.repository, run);
  const problem = automaticTokenProblem(url, inputs, run);
  if (problem) throw problem;
  if (inputs.ssh.checking === 'insecure') log.warning('host-key-checking is insecure: any ssh server is believed.');
  await using ssh = await gitSsh(inputs.ssh);
  await using signer = inputs.signingKey
    ? await sshAgent('signing-key', inputs.signingKey, inputs.ssh.passphrase)
    : undefined;
  const credentials = credentialsOf(url, { inputs, context, ssh });
  await using work = await workspace(context.env('RUNNER_TEMP'), context.env('PATH') ?? '', credentials);
  const forgejo = rootForge(url, inputs, context);
  const workflow = forgejo ? await prepareWorkflow(forgejo, inputs, context) : undefined;
  const roots = await readRoots(work, url, inputs);
  const [primary] = roots as [Root, ...Root[]];
  const { branch, tip } = primary;
  log.line(`Root ${url}, branch ${branch}, at ${tip}`);
  const bench: Bench = { work, roots, inputs, context, signer };
  const bumped =
    forgejo && inputs.pullRequest ? await proposeBump(forgejo, bench) : await race(bench, { branch, base: branch });
  if (!bumped) return;
  const remotes = await pushFurther(work, roots, { bumped, inputs });
  await report({ bumped, remotes, url, branch }, context);
  if (workflow) await seeThrough(workflow, { bumped, branch, context });
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { ActionContext } from '../../lib/action/action.ts';
import { readSource, type Source } from '../../lib/source.ts';
import { connect, type Host } from '../../lib/ssh/connect.ts';
import { activate, type Deploy, recover, transactionLimitSeconds } from './activate.ts';
import type { DeployInputs } from './inputs.ts';
import { type Found, inspect } from './inspect.ts';
import type { Begun } from './look-after.ts';
import { bareOutcome, DiedError, type Outcome, OutdatedError } from './outcome.ts';
import { type Plan, planDeploy } from './plan.ts';
import { foundLines, planLines, refusal, report } from './report.ts';

const LOOKS = 4;

/** The story of one deploy: read the source, look at the target, plan, carry it out, tell. */
export async function deploy(inputs: DeployInputs, context: ActionContext): Promise<void> {
  const { log } = context;
  // Whatever ends this step before anything is changed, the outputs say so.
  await context.outputs({ state: 'untouched', changed: false });
  const startedAt = Date.now();
  for (const line of inputs.environment) log.mask(line.slice(line.indexOf('=') + 1));
  const reconnect = () => connect(inputs.connection, context);
  const [source, host] = await both(
    inputs.source === undefined ? undefined : readSource(inputs.source, inputs.expectStrings),
    reconnect(),
  );
  await using connected = host;
  log.phase('connect', `${connected.target.name}`);
  const { found, plan, outcome } = await carryOut(connected, { inputs, source, context, reconnect });
  if (!outcome) return;
  context.save('told', outcome.state === 'unknown' ? '' : 'yes');
  await report(
    { target: connected.target.name, inputs, found, plan, outcome, durationMs: Date.now() - startedAt },
    context,
  );
}

interface Parts {
  inputs: DeployInputs;
  source: Source | undefined;
  context: ActionContext;
  reconnect: () => Promise<Host>;
}

/** Looks, plans and acts; begins again when the target changed meanwhile or an interrupted deploy is found. */
async function carryOut(host: Host, parts: Parts) {
  const { inputs, source, context } = parts;
  const { log, run } = context;
  for (let look = 1; ; look += 1) {
    const found = await inspect(host, inputs, source);
    if (found.otherKernel) throw refusal(host.target.name, inputs.destination, [otherKernel(found.otherKernel)]);
    const build = { workflow: `${run.repository} ${run.workflow}`, number: run.number };
    const plan = planDeploy(inputs, found, { source, build });
    const deploy = deployOf(parts, found, plan);
    if (found.unfinished && !found.locked && !inputs.dryRun && look < LOOKS) {
      await finishInterrupted(host, deploy);
      continue;
    }
    for (const line of foundLines(found, inputs.destination)) log.line(line);
    if (plan.kind === 'refused') throw refusal(host.target.name, inputs.destination, plan.obstacles);
    for (const line of planLines(plan)) log.line(line);
    if (inputs.dryRun) {
      log.line('dry-run is set: nothing was changed.');
      const { sha256 } = plan.file;
      await context.outputs({ state: 'unchanged', changed: false, sha256, 'previous-sha256': found.file?.sha256 });
      return { found, plan, outcome: undefined };
    }
    if (plan.kind === 'unchanged')
      return { found, plan, outcome: bareOutcome({ state: 'unchanged', pid: found.processes[0]?.pid }) };
    try {
      return { found, plan, outcome: await activate(host, deploy) };
    } catch (error) {
      if (error instanceof DiedError) return { found, plan, outcome: await undoDead(deploy, parts) };
      if (!(error instanceof OutdatedError) || look >= LOOKS) throw error;
      log.line('Another deploy came in between: looking again.');
      await context.outputs({ state: 'untouched' });
    }
  }
}

function deployOf({ inputs, source, context, reconnect }: Parts, found: Found, plan: Plan): Deploy {
  const onBegin = async (begun: Begun) => {
    context.save('begun', JSON.stringify(begun));
    // Until the end is known.
    await context.outputs({ state: 'unknown' });
  };
  const { run, log, signal } = context;
  return { inputs, found, plan, source, run, log, signal, onBegin, reconnect };
}

async function finishInterrupted(host: Host, deploy: Deploy): Promise<Outcome> {
  const { log, found } = deploy;
  const { run, phase } = found.unfinished ?? { run: 'an unknown run', phase: 'unknown' };
  log.line(`An earlier deploy (${run}) was interrupted in the phase ${phase}: finishing it first.`);
  const outcome = await recover(host, deploy);
  const pid = outcome.pid ? `, pid ${outcome.pid}` : '';
  log.line(`  ended as ${outcome.state}${pid}${outcome.broken ? `: ${outcome.broken}` : ''}`);
  return outcome;
}

/** The transaction died in the middle, killed or with its whole host: as soon as that answers again, it is undone. */
async function undoDead(deploy: Deploy, parts: Parts): Promise<Outcome> {
  const deadline = Date.now() + transactionLimitSeconds(deploy.inputs) * 1000;
  const why = 'the transaction was killed on the target';
  for (;;) {
    try {
      await using host = await deploy.reconnect();
      const found = await inspect(host, deploy.inputs, deploy.source);
      if (!found.unfinished) return bareOutcome({ state: 'unknown', failed: 'transaction', why });
      const outcome = await finishInterrupted(host, deployOf(parts, found, deploy.plan));
      return { ...outcome, failed: 'transaction', why };
    } catch {
      const over = Date.now() >= deadline || deploy.signal.aborted;
      if (over)
        return bareOutcome({ state: 'unknown', failed: 'transaction', why: `${why}, and it can't be asked any more` });
      await sleep(1000, undefined, { signal: deploy.signal }).catch(() => undefined);
    }
  }
}

function otherKernel(kernel: string) {
  return {
    why: `the target is no Linux system but ${kernel}.`,
    remedy: 'deploy to Linux, where a process can be found by what it executes (/proc).',
  };
}

/** Waits for both, so that the failure of one leaves nothing of the other running. */
async function both<A>(first: Promise<A> | undefined, second: Promise<Host>): Promise<[A | undefined, Host]> {
  const [a, b] = await Promise.allSettled([first, second]);
  if (a.status === 'rejected') {
    if (b.status === 'fulfilled') await b.value[Symbol.asyncDispose]();
    throw a.reason;
  }
  if (b.status === 'rejected') throw b.reason;
  return [a.value, b.value];
}

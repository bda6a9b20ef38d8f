import type { ActionContext } from '../../lib/action/action.ts';
import { readSource, type Source } from '../../lib/source.ts';
import { connect, type Host } from '../../lib/ssh/connect.ts';
import { activate, type Deploy, DiedError, type Outcome, OutdatedError, recover } from './activate.ts';
import type { DeployInputs } from './inputs.ts';
import { inspect } from './inspect.ts';
import type { Begun } from './look-after.ts';
import { planDeploy } from './plan.ts';
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
async function carryOut(host: Host, { inputs, source, context, reconnect }: Parts) {
  const { log, run } = context;
  let broken: Outcome | undefined;
  const onBegin = (begun: Begun) => context.save('begun', JSON.stringify(begun));
  for (let look = 1; ; look += 1) {
    const found = await inspect(host, inputs, source);
    if (found.otherKernel) throw refusal(host.target.name, inputs.destination, [otherKernel(found.otherKernel)]);
    const plan = planDeploy(inputs, found, {
      source,
      build: { workflow: `${run.repository} ${run.workflow}`, number: run.number },
    });
    const parts: Deploy = { inputs, found, plan, source, run, log, signal: context.signal, onBegin, reconnect };
    if (found.unfinished && !found.locked && !inputs.dryRun && look < LOOKS) {
      log.line(
        `An earlier deploy (${found.unfinished.run}) was interrupted in the phase ${found.unfinished.phase}: finishing it first.`,
      );
      const recovered = await recover(host, parts);
      log.line(
        `  ended as ${recovered.state}${recovered.pid ? `, pid ${recovered.pid}` : ''}${recovered.broken ? `: ${recovered.broken}` : ''}`,
      );
      if (broken)
        return {
          found,
          plan,
          outcome: { ...recovered, failed: broken.failed, why: broken.why, bytesSent: broken.bytesSent },
        };
      continue;
    }
    for (const line of foundLines(found, inputs.destination)) log.line(line);
    if (plan.kind === 'refused') throw refusal(host.target.name, inputs.destination, plan.obstacles);
    for (const line of planLines(plan)) log.line(line);
    if (inputs.dryRun) {
      log.line('dry-run is set: nothing was changed.');
      await context.outputs({
        state: 'unchanged',
        changed: false,
        sha256: plan.file.sha256,
        'previous-sha256': found.file?.sha256,
      });
      return { found, plan, outcome: undefined };
    }
    if (plan.kind === 'unchanged') return { found, plan, outcome: unchanged(found.processes[0]?.pid) };
    try {
      return { found, plan, outcome: await activate(host, parts) };
    } catch (error) {
      if (look >= LOOKS) throw error;
      if (error instanceof OutdatedError) log.line('Another deploy came in between: looking again.');
      else if (error instanceof DiedError) broken = died();
      else throw error;
    }
  }
}

function unchanged(pid: number | undefined): Outcome {
  return { ...EMPTY, state: 'unchanged', pid };
}

function died(): Outcome {
  return { ...EMPTY, state: 'broken', failed: 'transaction', why: 'the transaction was killed on the target' };
}

const EMPTY: Outcome = {
  state: 'unchanged',
  failed: '',
  why: '',
  output: '',
  broken: '',
  pid: undefined,
  downtimeMs: undefined,
  bytesSent: 0,
  phases: [],
};

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

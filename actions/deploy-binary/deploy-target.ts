import type { Source } from '../../lib/source.ts';
import { connect, type Host } from '../../lib/ssh/connect.ts';
import type { ConnectionInputs } from '../../lib/ssh/inputs.ts';
import { activate } from './activate.ts';
import { type Deploy, waitingAlone } from './deployment.ts';
import { inspect } from './inspect/inspect.ts';
import { bareOutcome, DiedError, type Outcome, OutdatedError } from './outcome.ts';
import { planDeploy } from './plan/decide.ts';
import { otherKernel, restless } from './plan/obstacles/host.ts';
import { recoverMembers } from './recover-release.ts';
import {
  deathUnlessOutdated,
  deployOf,
  finishInterrupted,
  givenUp,
  type Parts,
  RECOVERIES,
  type Step,
  takeBack,
  undoDead,
} from './recovery.ts';
import { foundLines, isGreen, planLines, refusal } from './report.ts';
import type { DeployResult } from './result.ts';
import { afterAccepted, beforeInPlace, gateObstacles, withBefore, withBeforeFailure } from './with-hooks.ts';

/** A target that a deploy came to an end on, and the way back from there. */
export interface Deployed extends DeployResult {
  /** Puts back what was there before, over a connection to the target; only after a deploy that changed something. */
  undo: ((host: Host) => Promise<Outcome>) | undefined;
  /** The connection of the deploy, for the caller to close. */
  host: Host;
  reconnect: () => Promise<Host>;
}

const LOOKS = 4;

/**
 * The story of one target: look at it, plan, carry it out. The connection stays open, for the caller to close. Throws a
 * Failure when nothing was changed.
 */
export async function deployTarget(
  connection: ConnectionInputs,
  { source, ...step }: Step & { source: Promise<Source> | undefined },
): Promise<Deployed> {
  const { inputs, context, book } = step;
  const startedAt = Date.now();
  const reconnect = () => connect(connection, context);
  const [read, host] = await both(source, reconnect());
  try {
    const { name } = host.target;
    // An alias of the SSH config, beside the address that it stands for.
    context.log.phase('connect', name.includes(connection.host) ? name : `${name} (${connection.host})`);
    const parts = { ...step, source: read, reconnect };
    const { found, plan, outcome, deploy } = await carryOut(host, parts);
    const id = book.begun()?.id;
    await book.end(outcome.state);
    if (read && isGreen(outcome.state)) step.transfers.arrived(read, host.isNear());
    const undo =
      outcome.state === 'active' && deploy && id ? (to: Host) => takeBack(to, { deploy, id, parts }) : undefined;
    const durationMs = Date.now() - startedAt;
    return { target: host.target.name, inputs, found, plan, outcome, durationMs, undo, host, reconnect };
  } catch (error) {
    await host[Symbol.asyncDispose]();
    throw error;
  }
}

/** Looks, plans and acts; begins again when the target changed meanwhile or an interrupted deploy is found. */
async function carryOut(host: Host, parts: Parts) {
  const { inputs, source, context } = parts;
  const { log, run } = context;
  let deaths = 0;
  for (let look = 1; ; look += 1) {
    const found = await inspect(host, inputs, source);
    if (found.otherKernel) throw refusal(host.target.name, inputs.destination, [otherKernel(found.otherKernel)]);
    const build = { workflow: run.series, number: run.number };
    const plan = planDeploy(inputs, found, { source, build });
    const deploy = deployOf(parts, found, plan);
    if (found.unfinished && !found.locked && !inputs.dryRun && look < LOOKS) {
      const died = await finishInterrupted(host, deploy).catch(deathUnlessOutdated);
      deaths += died instanceof DiedError ? 1 : 0;
      if (deaths >= RECOVERIES)
        return { found, plan, outcome: givenUp(`an earlier deploy (${found.unfinished.run}) was interrupted`) };
      await recoverMembers(host, parts, { unfinished: found.unfinished, known: [inputs.destination] });
      continue;
    }
    for (const line of foundLines(found, inputs.destination)) log.line(line);
    if (plan.kind === 'refused') throw refusal(host.target.name, inputs.destination, plan.obstacles);
    for (const line of planLines(plan)) log.line(line);
    if (inputs.dryRun) {
      log.line('dry-run is set: nothing was changed.');
      return { found, plan, outcome: bareOutcome({ state: 'unchanged' }) };
    }
    if (plan.kind === 'unchanged')
      return { found, plan, outcome: bareOutcome({ state: 'unchanged', pid: found.processes[0]?.pid }) };
    const gates = await gateObstacles(host, deploy);
    if (gates.length > 0) throw refusal(host.target.name, inputs.destination, gates);
    try {
      return { found, plan, outcome: await activateWithHooks(host, deploy), deploy };
    } catch (error) {
      if (error instanceof DiedError) return { found, plan, outcome: await undoDead(deploy, parts) };
      if (!(error instanceof OutdatedError)) throw error;
      if (look >= LOOKS) throw refusal(host.target.name, inputs.destination, [restless(found, LOOKS)]);
      log.line('Another deploy ran in the meantime; inspecting again.');
      await parts.book.end('untouched');
    }
  }
}

async function activateWithHooks(host: Host, deploy: Deploy): Promise<Outcome> {
  const failed = await beforeInPlace(host, deploy);
  if (failed) return failed;
  const { deploys, failure } = withBefore(host, [{ ...deploy, membership: waitingAlone(deploy) }]);
  const outcome = await activate(host, deploys[0] ?? deploy);
  return await afterAccepted(host, deploy, withBeforeFailure(outcome, await failure()));
}

/** Waits for both, so that the failure of one leaves nothing of the other running. */
export async function both<A>(first: Promise<A> | undefined, second: Promise<Host>): Promise<[A | undefined, Host]> {
  const [a, b] = await Promise.allSettled([first, second]);
  if (a.status === 'rejected') {
    if (b.status === 'fulfilled') await b.value[Symbol.asyncDispose]();
    throw a.reason;
  }
  if (b.status === 'rejected') throw b.reason;
  return [a.value, b.value];
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { ActionContext } from '../../lib/action/action.ts';
import { STATES } from '../../lib/errors.ts';
import type { Source } from '../../lib/source.ts';
import { AnswerError } from '../../lib/ssh/answer.ts';
import { connect, type Host } from '../../lib/ssh/connect.ts';
import type { ConnectionInputs } from '../../lib/ssh/inputs.ts';
import type { TargetTransfers } from '../../lib/transfer/transfers.ts';
import { activate, type Deploy, recover, revert, transactionLimitSeconds } from './activate.ts';
import type { Page } from './book.ts';
import type { DeployInputs } from './inputs.ts';
import type { Found } from './inspect/found.ts';
import { inspect } from './inspect/inspect.ts';
import { bareOutcome, DiedError, type Outcome, OutdatedError, unusableOutcome } from './outcome.ts';
import { planDeploy } from './plan/decide.ts';
import type { Plan } from './plan/plan.ts';
import { foundLines, isGreen, planLines, refusal, type Told } from './report.ts';

/** What the deploy of one target needs of the step. */
export interface Step {
  inputs: DeployInputs;
  context: ActionContext;
  book: Page;
  transfers: TargetTransfers;
}

/** A target that a deploy came to an end on, and the way back from there. */
export interface Deployed extends Told {
  /** Puts back what was there before, over a connection to the target; only after a deploy that changed something. */
  undo: ((host: Host) => Promise<Outcome>) | undefined;
  /** The connection of the deploy, for the caller to close. */
  host: Host;
  reconnect: () => Promise<Host>;
}

const LOOKS = 4;
/** A recovery that is killed on the target too is tried so often: whatever kills it may do so each time. */
const RECOVERIES = 3;

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
    context.log.phase('connect', `${host.target.name}`);
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

interface Parts extends Step {
  source: Source | undefined;
  reconnect: () => Promise<Host>;
}

/** Looks, plans and acts; begins again when the target changed meanwhile or an interrupted deploy is found. */
async function carryOut(host: Host, parts: Parts) {
  const { inputs, source, context } = parts;
  const { log, run } = context;
  let deaths = 0;
  for (let look = 1; ; look += 1) {
    const found = await inspect(host, inputs, source);
    if (found.otherKernel) throw refusal(host.target.name, inputs.destination, [otherKernel(found.otherKernel)]);
    const build = { workflow: `${run.repository} ${run.workflow}`, number: run.number };
    const plan = planDeploy(inputs, found, { source, build });
    const deploy = deployOf(parts, found, plan);
    if (found.unfinished && !found.locked && !inputs.dryRun && look < LOOKS) {
      const died = await finishInterrupted(host, deploy).catch(deathUnlessOutdated);
      deaths += died instanceof DiedError ? 1 : 0;
      if (deaths < RECOVERIES) continue;
      return { found, plan, outcome: givenUp(`an earlier deploy (${found.unfinished.run}) was interrupted`) };
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
    try {
      return { found, plan, outcome: await activate(host, deploy), deploy };
    } catch (error) {
      if (error instanceof DiedError) return { found, plan, outcome: await undoDead(deploy, parts) };
      if (!(error instanceof OutdatedError)) throw error;
      if (look >= LOOKS) throw refusal(host.target.name, inputs.destination, [restless(found)]);
      log.line('Another deploy ran in the meantime; inspecting again.');
      await parts.book.end('untouched');
    }
  }
}

function deployOf({ inputs, source, transfers, context, reconnect, book }: Parts, found: Found, plan: Plan): Deploy {
  const { run, log, signal } = context;
  return { inputs, found, plan, source, transfers, run, log, signal, onBegin: book.begin, reconnect };
}

async function finishInterrupted(host: Host, deploy: Deploy): Promise<Outcome> {
  const { log, found } = deploy;
  const { run, phase } = found.unfinished ?? { run: 'an unknown run', phase: 'unknown' };
  log.line(`An earlier deploy (${run}) was interrupted during \`${phase}\`; recovering it first.`);
  const outcome = await recover(host, deploy);
  const pid = outcome.pid ? `, pid ${outcome.pid}` : '';
  log.line(`  finished: ${outcome.state}${pid}${outcome.broken ? `: ${outcome.broken}` : ''}`);
  return outcome;
}

/** The recovery was killed, or another run was faster: what it made of it shows in the next inspection. */
function deathUnlessOutdated(error: unknown): DiedError | OutdatedError {
  if (error instanceof DiedError || error instanceof OutdatedError) return error;
  throw error;
}

/** The outcome when every attempt to recover was killed too. */
function givenUp(why: string): Outcome {
  const broken = 'the journal is kept, and the next run continues the recovery; until then the program may be down';
  return bareOutcome({
    state: 'broken',
    failed: 'recovery',
    why: `${why}, and each of ${RECOVERIES} attempts to recover it was killed on the target too`,
    broken,
  });
}

async function takeBack(host: Host, { deploy, id, parts }: { deploy: Deploy; id: string; parts: Parts }) {
  try {
    return await revert(host, deploy, id);
  } catch (error) {
    if (error instanceof DiedError) return await undoDead(deploy, parts);
    throw error;
  }
}

/** The transaction died in the middle, killed or with its whole host: as soon as that answers again, it is undone. */
async function undoDead(deploy: Deploy, parts: Parts): Promise<Outcome> {
  const deadline = Date.now() + transactionLimitSeconds(deploy.inputs) * 1000;
  const why = 'the transaction was killed on the target';
  for (let deaths = 0; ; ) {
    try {
      await using host = await deploy.reconnect();
      const found = await inspect(host, deploy.inputs, deploy.source);
      const id = parts.book.begun()?.id;
      const isOurs = found.unfinished && (found.unfinished.id === id || found.unfinished.id === '');
      if (!isOurs) return { ...endOfDead(found, deploy, id), failed: 'transaction', why };
      if (!found.locked) {
        const outcome = await finishInterrupted(host, deployOf(parts, found, deploy.plan)).catch(deathUnlessOutdated);
        if (!(outcome instanceof Error)) return { ...outcome, failed: 'transaction', why };
        deaths += outcome instanceof DiedError ? 1 : 0;
        if (deaths >= RECOVERIES) return givenUp(why);
      }
      // Another run holds the lock, and finishes what it finds.
      await sleep(500, undefined, { signal: deploy.signal });
    } catch (error) {
      if (error instanceof AnswerError) return unusableOutcome(error);
      const over = Date.now() >= deadline || deploy.signal.aborted;
      if (over)
        return bareOutcome({
          state: 'unknown',
          failed: 'transaction',
          why: `${why}, and the target no longer responds`,
        });
      await sleep(1000, undefined, { signal: deploy.signal }).catch(() => undefined);
    }
  }
}

/** What became of a killed transaction of which nothing is unfinished: another run has finished it, or it never began. */
function endOfDead(found: Found, deploy: Deploy, id: string | undefined): Outcome {
  const end = found.ended.findLast((one) => one.id === id);
  const state = STATES.find((one) => one === end?.state);
  if (end && state) return bareOutcome({ state, pid: Number(end.pid) || undefined });
  const began = found.unfinished === undefined && !isAsBefore(deploy.found, found);
  return bareOutcome({ state: began ? 'unknown' : 'staged' });
}

/** Whether the same processes still run the same file: it was killed before it began. */
function isAsBefore(before: Found, now: Found): boolean {
  const pids = ({ processes }: Found) => processes.map(({ pid }) => pid).join();
  return before.file?.sha256 === now.file?.sha256 && pids(before) === pids(now) && pids(now) !== '';
}

function restless({ unfinished }: Found) {
  return {
    why: unfinished
      ? `an earlier deploy (${unfinished.run}) is unfinished, and recovering it failed.`
      : `the target changed each of the ${LOOKS} times it was inspected, before the lock was held.`,
    remedy: 'find out what else changes the file or its state folder, and check the disk; then re-run the job.',
  };
}

function otherKernel(kernel: string) {
  return {
    why: `the target runs ${kernel}; only Linux is supported.`,
    remedy: 'deploy to a Linux target: processes are identified through its `/proc`.',
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

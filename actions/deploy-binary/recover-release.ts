import { prefixed } from '../../lib/action/log.ts';
import { inParallel } from '../../lib/parallel.ts';
import type { Host } from '../../lib/ssh/connect.ts';
import type { DeployInputs } from './inputs.ts';
import type { Found } from './inspect/found.ts';
import { inspect } from './inspect/inspect.ts';
import { planDeploy } from './plan/decide.ts';
import { deathUnlessOutdated, deployOf, finishInterrupted, type Parts } from './recovery.ts';

/** Sessions of one connection at a time: servers allow ten. */
const AT_A_TIME = 8;

/**
 * Recovers the other parts of an interrupted release, those at the destinations `known` aside, whose own steps do it. Of the others
 * only what their journals say is known, so health means that the program runs; parts of other kinds wait for their own release.
 */
export async function recoverMembers(
  host: Host,
  parts: Parts,
  { unfinished, known }: { unfinished: NonNullable<Found['unfinished']>; known: readonly string[] },
): Promise<void> {
  const others = unfinished.members.filter((member) => !known.includes(member));
  await inParallel(others, { limit: AT_A_TIME, stopped: () => parts.context.signal.aborted }, async (destination) => {
    const inputs = inputsOf(parts.inputs, destination);
    const found = await inspect(host, inputs, undefined, { another: false });
    if (found.unfinished?.release !== unfinished.release || found.locked) return;
    const context = { ...parts.context, log: prefixed(parts.context.log, inputs.name) };
    if (found.unfinished.kind !== 'binary') {
      // Neither its commands nor its health are in a journal. What becomes of it is decided: it follows the others.
      context.log.warning(`This ${found.unfinished.kind} is a part of the interrupted release; re-run that release.`);
      return;
    }
    const plan = planDeploy(inputs, found, { source: undefined, build: { workflow: '', number: 0 } });
    const step = { ...parts, inputs, context, source: undefined };
    await finishInterrupted(host, deployOf(step, found, plan)).catch(deathUnlessOutdated);
  });
}

/** A program of which nothing but its destination is known. */
function inputsOf(inputs: DeployInputs, destination: string): DeployInputs {
  const slash = destination.lastIndexOf('/');
  return {
    ...inputs,
    ...NOTHING_KNOWN,
    health: { ...NOTHING_KNOWN.health, timeoutSeconds: inputs.health.timeoutSeconds },
    destination,
    folder: destination.slice(0, slash) || '/',
    name: destination.slice(slash + 1),
  };
}

const NOTHING_KNOWN = {
  source: undefined,
  owner: undefined,
  mode: undefined,
  capabilities: undefined,
  restart: 'auto',
  service: undefined,
  stopCommand: undefined,
  startCommand: undefined,
  daemonReload: false,
  stopSignal: 'TERM',
  stopTimeoutSeconds: 10,
  runAs: undefined,
  args: [],
  workingDirectory: undefined,
  environment: [],
  logFile: undefined,
  health: {
    url: undefined,
    status: '200-399',
    contains: undefined,
    headers: [],
    port: undefined,
    command: undefined,
    timeoutSeconds: 60,
    stableSeconds: 3,
  },
  expectStrings: [],
} satisfies Partial<DeployInputs>;

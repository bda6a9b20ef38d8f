import type { StartedStep, Step } from '../support/action.ts';
import { program } from '../support/programs.ts';
import type { Case, FaultName } from './cases.ts';
import { type FaultyHost, faultyHost } from './host.ts';
import { INJECT, PREPARE } from './inject/faults.ts';
import { type Claim, judge, type Verdict } from './judge.ts';
import { moment } from './moment.ts';
import { atRest, leftovers, see } from './observe.ts';
import { kill } from './processes.ts';
import { type Sampler, sampler, secretsIn } from './secrets.ts';

/** What is left to tell of a run. */
export interface Ran extends Verdict {
  c: Case;
  struck: boolean;
  seconds: number;
  /** Everything that the steps printed. */
  log: string;
}

const DEAD_RUNNERS: FaultName[] = ['runner-killed', 'runner-and-transaction-killed'];
const LOST = /Connection lost: |was interrupted during `/;
const STEP_LIMIT_MS = 120_000;

/** Runs them all, so many at a time, until it is stopped; `tell` hears of each as it ends. */
export async function runAll(
  cases: readonly Case[],
  { jobs, stop }: { jobs: number; stop?: AbortSignal },
  tell: (ran: Ran) => void,
): Promise<Ran[]> {
  using watching = sampler();
  const waiting = [...cases];
  const runs: Ran[] = [];
  const work = async () => {
    for (let c = waiting.shift(); c && !stop?.aborted; c = waiting.shift()) {
      const ran = await runCase(c, watching);
      runs.push(ran);
      tell(ran);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return runs;
}

/** One run: a deploy with a fault in it, then a look at what is left, and a plain deploy. */
async function runCase(c: Case, sampler: Sampler): Promise<Ran> {
  const startedAt = Date.now();
  await using host = await faultyHost(c);
  const problems: string[] = [];
  await PREPARE[c.fault]?.(host);
  const oldPid = (await see(host)).pid;

  const { struck, spoiled, steps } = await strike(c, host, problems);
  const rested = await atRest(host);
  const rest = await see(host);
  const { state } = steps[0] as Step;
  host.hurry();
  // A runner that died has no post step, and one that was told has nothing to say.
  const post =
    state.begun && !state.told && !DEAD_RUNNERS.includes(c.fault) ? await host.post(stateEnv(state)).ended : undefined;
  if (post && post.code !== 0) problems.push(`the post step ends with code ${post.code}`);
  const verify = await host.verify(host.fresh).ended;
  const next = await limited(host.deployOther(program('v4'), 9), 'the next deploy', problems);
  await atRest(host);
  const all = [...steps, ...(post ? [post] : []), verify, next];
  const verdict = judge(c, {
    struck,
    spoiled,
    oldPid,
    rested,
    claims: steps.map((step, at) => claimOf(step, at === 0 ? 'v2' : 'v3', host)),
    rest,
    verify: {
      verified: verify.outputs.verified === 'true',
      failed: (verify.outputs.failed ?? '').split(',').filter(Boolean),
    },
    next: claimOf(next, 'v4', host),
    after: await see(host),
    left: leftovers(host),
    secrets: secretsIn(host, all, sampler),
    problems,
  });
  const log = all.map((step) => step.log).join('\n----\n');
  return { ...verdict, c, struck, seconds: (Date.now() - startedAt) / 1000, log };
}

/** Starts the deploy, lets the fault strike at its moment, and waits for the end of both. */
async function strike(
  c: Case,
  host: FaultyHost,
  problems: string[],
): Promise<{ struck: boolean; spoiled: boolean; steps: Step[] }> {
  const step = host.deploy();
  const started = [step];
  const ends: (() => unknown)[] = [];
  let spoiled = false;
  const struck = await moment(c, host, step);
  if (struck) {
    await INJECT[c.fault]({
      c,
      host,
      step,
      rival: (other) => started.push(other),
      after: (end) => ends.push(end),
      spoil: () => {
        spoiled = true;
      },
      problem: (text) => problems.push(text),
    });
  }
  const steps = await Promise.all(started.map((one) => limited(one, 'a deploy', problems)));
  for (const end of ends) await end();
  return { struck, spoiled, steps };
}

async function limited(step: StartedStep, what: string, problems: string[]): Promise<Step> {
  const limit = setTimeout(() => {
    problems.push(`${what} does not end within ${STEP_LIMIT_MS / 1000} s`);
    kill(-(step.process.pid ?? 0), 'SIGKILL');
  }, STEP_LIMIT_MS);
  const ended = await step.ended;
  clearTimeout(limit);
  return ended;
}

function stateEnv(state: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(state).map(([name, value]) => [`STATE_${name}`, value]));
}

function claimOf({ code, outputs, log }: Step, version: string, host: FaultyHost): Claim {
  const previous = host.versions.get(outputs['previous-sha256'] ?? '') ?? '';
  return { version, code, state: outputs.state ?? '', pid: outputs.pid ?? '', previous, lost: LOST.test(log) };
}

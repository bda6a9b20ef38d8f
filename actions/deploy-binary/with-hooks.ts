import { closedGates, type HookContext, runAfter, runBefore, tellRelease, whenAllWait } from '../../lib/hooks/hooks.ts';
import { hiding } from '../../lib/secrets.ts';
import type { Host } from '../../lib/ssh/connect.ts';
import type { Deploy } from './deployment.ts';
import { bareOutcome, type Outcome } from './outcome.ts';
import type { Obstacle } from './plan/obstacle.ts';

/** What `require-url`, `require-port` and `require-command` say against the deploy. */
export async function gateObstacles(host: Host, deploy: Deploy): Promise<Obstacle[]> {
  const closed = await closedGates(host, hookContextOf(deploy));
  return closed.map((why) => ({ why: `${why}.`, remedy: 'fix that on the target first, or correct the input.' }));
}

/** The transactions of a release, which run `before-command` once all of them are staged, and why that failed. */
export function withBefore(host: Host, deploys: readonly Deploy[]) {
  const [first] = deploys;
  const membership = first?.membership;
  if (!first || !membership?.waits) return { deploys, failure: async () => undefined };
  let failure: string | undefined;
  const context = hookContextOf(first);
  const gate = whenAllWait(deploys.length, async () => {
    failure = await runBefore(host, context);
    const problem = await tellRelease(host, membership, { ...context, goes: failure === undefined });
    failure ??= problem;
  });
  return {
    deploys: deploys.map((deploy) => ({ ...deploy, onSay: gate.onSay })),
    failure: async () => {
      await gate.finished();
      return failure;
    },
  };
}

/** In-place nothing is staged: the command runs before the transaction. The outcome when it fails. */
export async function beforeInPlace(host: Host, deploy: Deploy): Promise<Outcome | undefined> {
  if (!deploy.inputs.hooks['before-command'] || deploy.inputs.strategy !== 'in-place') return undefined;
  const why = await runBefore(host, hookContextOf(deploy));
  return why === undefined ? undefined : bareOutcome({ state: 'untouched', failed: 'before-command', why });
}

/** The outcome with the failure of `after-command`, which runs where the deploy is accepted. */
export async function afterAccepted(host: Host, deploy: Deploy, outcome: Outcome): Promise<Outcome> {
  if (outcome.state !== 'active' || !deploy.inputs.hooks['after-command']) return outcome;
  const why = await runAfter(host, hookContextOf(deploy));
  return why === undefined ? outcome : { ...outcome, failed: 'after-command', why };
}

/** The outcome of a participant that was let down by `before-command`. */
export function withBeforeFailure(outcome: Outcome, why: string | undefined): Outcome {
  return why === undefined || outcome.failed !== 'release' ? outcome : { ...outcome, failed: 'before-command', why };
}

function hookContextOf({ inputs, found, log, run, signal }: Deploy): HookContext {
  const clean = hiding(inputs.environment, inputs.health);
  return { hooks: inputs.hooks, sudo: found.sudo, log, run: run.number, clean, signal };
}

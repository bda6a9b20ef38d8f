import { existsSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StartedStep } from '../support/action.ts';
import { textOf } from '../support/target.ts';
import type { Case, Phase } from './cases.ts';
import type { FaultyHost } from './host.ts';

/** How long each phase usually takes here, in milliseconds; the instant of a fault is drawn from it. */
const USUAL_MS: Record<Phase, number> = {
  connect: 80,
  inspect: 200,
  upload: 500,
  staged: 150,
  stop: 1000,
  swap: 120,
  start: 80,
  health: 700,
  stable: 1100,
  accept: 150,
  rollback: 700,
};

/**
 * Waits for the drawn instant of the case's phase, seen on the target itself: the runner's log comes later. False when
 * the deploy was over before, or never came to that phase.
 */
export async function moment(c: Case, host: FaultyHost, step: StartedStep): Promise<boolean> {
  const begun = hasBegun(c, host);
  while (!begun()) {
    if (isOver(step)) return false;
    await sleep(1);
  }
  await sleep(c.at * USUAL_MS[c.phase]);
  return !isOver(step);
}

export function isOver(step: StartedStep): boolean {
  return step.process.exitCode !== null || step.process.signalCode !== null;
}

function hasBegun({ phase, strategy }: Case, { between, target, state, fresh }: FaultyHost): () => boolean {
  const journal = (name: string) => textOf(`${state}/journal`).includes(`\nphase=${name}\n`);
  const incoming = () => (existsSync(`${state}/incoming`) ? sizeOf(`${state}/incoming`) : 0);
  switch (phase) {
    case 'connect':
      return () => between.connections > 0;
    case 'inspect':
      return () => target.sshd.logins() > 0;
    case 'upload':
      return () => (strategy === 'in-place' ? journal('receive') : incoming() > 0);
    case 'staged':
      return () => incoming() >= sizeOf(fresh);
    case 'health':
      return () => journal('start') && target.pids().length > 0;
    default:
      return () => journal(phase);
  }
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}

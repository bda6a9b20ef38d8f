import { setTimeout as sleep } from 'node:timers/promises';
import { family, kill, programOf } from '../processes.ts';
import type { Inject } from './inject.ts';

// Longer than the three missed answers after which the step gives a connection up.
const STALL_MS = 3500;
const PATIENCE_MS = 1000;

export const reset: Inject = ({ host }) => host.between.reset();

/** Both ways: neither side is told. New connections pass after a while, and what was open is dead in the end. */
export const stalled: Inject = async ({ host, after }) => {
  host.between.stall();
  after(() => host.between.reset());
  await sleep(STALL_MS);
  host.between.heal();
};

/** For good; nobody waits for ever, so the step is cancelled after a while. */
export const gone: Inject = async ({ host, step }) => {
  await host.between[Symbol.asyncDispose]();
  await Promise.race([step.ended, sleep(PATIENCE_MS)]);
  step.process.kill('SIGINT');
};

/** The processes of sshd for this connection; what they started is left to itself. */
export const sessionKilled: Inject = ({ host }) => {
  const server = host.target.sshd.process.pid ?? 0;
  for (const pid of family(server)) {
    if (pid !== server && isSshd(pid)) kill(pid, 'SIGKILL');
  }
};

function isSshd(pid: number): boolean {
  return /\/sshd(-session|-auth)?$/.test(programOf(pid));
}

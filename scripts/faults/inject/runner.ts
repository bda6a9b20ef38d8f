import { setTimeout as sleep } from 'node:timers/promises';
import { isOver } from '../moment.ts';
import { kill } from '../processes.ts';
import type { Inject } from './inject.ts';

// A cancelled step gets SIGINT, 7.5 s later SIGTERM, 2.5 s later SIGKILL; here each pause is a tenth of that.
const TERM_AFTER_MS = 750;
const KILL_AFTER_MS = 250;

/** The step, or with its whole process group. */
export const killed: Inject = ({ step, c }) => {
  const pid = step.process.pid ?? 0;
  kill(c.draw < 0.5 ? pid : -pid, 'SIGKILL');
};

/** As runners cancel. */
export const cancelled: Inject = async ({ step }) => {
  const pid = step.process.pid ?? 0;
  for (const [signal, pause] of [
    ['SIGINT', TERM_AFTER_MS],
    ['SIGTERM', KILL_AFTER_MS],
  ] as const) {
    kill(-pid, signal);
    await Promise.race([step.ended, sleep(pause)]);
    if (isOver(step)) return;
  }
  kill(-pid, 'SIGKILL');
};

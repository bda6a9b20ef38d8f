import { statSync, truncateSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { keptIn } from '../../support/kept.ts';
import { sha256 } from '../../support/programs.ts';
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
  if (!isOver(step)) kill(-pid, 'SIGKILL');
};

/** The kept file that a delta is made from loses its end, or is another one. */
export const cacheDamaged: Inject = ({ c, host }) => {
  const path = `${keptIn(host.cache)}/${sha256(host.old)}`;
  const bytes = statSync(path).size;
  if (c.draw < 0.5) truncateSync(path, Math.floor(bytes * c.draw));
  else writeFileSync(path, Buffer.alloc(bytes, 1));
};

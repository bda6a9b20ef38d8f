import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_SECONDS = 0.2;
const LONGEST_SECONDS = 5;

/** Random, so that those who lost together do not meet again, and the longer the more attempts there were. */
export function pauseSeconds(attempts: number): number {
  return Math.min(LONGEST_SECONDS, FIRST_SECONDS * 1.5 ** attempts) * (0.3 + Math.random());
}

/** Waits; returns at once when the step is to end. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
}

import type { Check } from './verdict.ts';

/** The checks of one target, and what was seen there. */
export interface Verified {
  target: string;
  checks: Check[];
  sha256: string;
  pid: number | undefined;
}

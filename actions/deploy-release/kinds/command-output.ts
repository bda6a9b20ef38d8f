import type { Log } from '../../../lib/action/log.ts';
import { escapeForeign, lastLines } from '../../../lib/foreign.ts';

/** Prints what a check or an apply command printed, at most its last 20 lines. */
export function logCommandOutput(log: Log): (key: string, value: string) => void {
  const names = new Map([
    ['check_output', 'check'],
    ['apply_output', 'apply'],
  ]);
  return (key, value) => {
    const name = names.get(key);
    if (name === undefined) return;
    for (const line of lastLines(value, 20)) log.phase(name, `| ${escapeForeign(line)}`);
  };
}

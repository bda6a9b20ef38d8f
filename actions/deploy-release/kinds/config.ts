import type { Log } from '../../../lib/action/log.ts';
import { escapeForeign, lastLines } from '../../../lib/foreign.ts';
import program from '../../../target/programs/deploy-config.sh';
import type { ConfigPart } from '../parts/part.ts';

/** The transaction of a configuration file. */
export const configProgram = program;

/** What it takes beyond the values of every transaction with a file. */
export function configValues(part: ConfigPart) {
  return { check: part.check, apply: part.apply };
}

/** Prints what the check or the apply command of a configuration printed, at most its last 20 lines. */
export function logCommandOutput(log: Log): (key: string, value: string) => void {
  const names: Record<string, string> = { check_output: 'check', apply_output: 'apply' };
  return (key, value) => {
    const name = names[key];
    if (name === undefined) return;
    for (const line of lastLines(value, 20)) log.phase(name, `| ${escapeForeign(line)}`);
  };
}

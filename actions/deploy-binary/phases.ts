import type { Log } from '../../lib/action/log.ts';
import { hiding } from '../../lib/secrets.ts';
import type { DeployInputs } from './inputs.ts';

const PHASES: Record<string, string> = {
  staged: 'new file is on the target; sha256 verified',
  stop: 'stopping the running program',
  receive: 'receiving the new file',
  swap: 'replacing the file',
  start: 'starting the new version',
  stable: 'healthy; confirming stability',
  accept: 'new version accepted',
  rollback: 'new version failed; rolling back',
  'restart-old': 'starting the previous version',
  'rollback-stable': 'previous version healthy; confirming stability',
};

/** A program has a handful of notes; each of a target's lines is one of the job's log otherwise. */
const MOST_LINES = 100;

/** Logs each phase as it starts, and notes without the step's secrets. `isDeploy` is false for a revert and a recovery. */
export function tellPhases(
  log: Log,
  { environment, health }: Pick<DeployInputs, 'environment' | 'health'>,
  { isDeploy = true, others = {} }: { isDeploy?: boolean; others?: Readonly<Record<string, string>> | undefined } = {},
) {
  const phases: Record<string, string> = { ...PHASES, ...others };
  const clean = hiding(environment, health);
  let told = 0;
  return (key: string, value: string) => {
    const name = key === 'phase' ? (value.split(' ')[0] ?? '') : key;
    const phase = (key === 'phase' || key === 'staged') && Object.hasOwn(phases, name) ? phases[name] : undefined;
    if ((phase === undefined && key !== 'note') || phase === '') return;
    told += 1;
    if (told === MOST_LINES) log.line('  (further lines from the target are not shown)');
    if (told >= MOST_LINES) return;
    if (phase !== undefined) log.phase(name, isDeploy || name !== 'rollback' ? phase : 'rolling back');
    else log.line(`  ${clean(value)}`);
  };
}

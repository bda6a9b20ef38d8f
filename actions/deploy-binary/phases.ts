import type { Log } from '../../lib/action/log.ts';

const PHASES: Record<string, string> = {
  staged: 'the new file is on the target, its sha256 checked there',
  stop: 'stopping what runs the file',
  receive: 'receiving the new file',
  swap: 'replacing the file',
  start: 'starting the new version',
  stable: 'healthy; watching that it stays so',
  accept: 'the new version holds',
  rollback: 'the new version failed: going back',
  'restart-old': 'starting the previous version',
  'rollback-stable': 'the previous version is healthy; watching that it stays so',
};

/** Tells each phase in the log as it begins. */
export function tellPhases(log: Log) {
  return (key: string, value: string) => {
    const phase = key === 'phase' ? value.split(' ')[0] : key;
    if (key === 'note') log.line(`  ${value}`);
    if ((key === 'phase' || key === 'staged') && phase && PHASES[phase]) log.phase(phase, PHASES[phase]);
  };
}

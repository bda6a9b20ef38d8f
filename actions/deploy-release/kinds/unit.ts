import type { Log } from '../../../lib/action/log.ts';
import program from '../../../target/programs/deploy-unit.sh';
import type { PartKind } from '../../deploy-binary/deployment.ts';
import type { Found } from '../../deploy-binary/inspect/found.ts';
import type { Plan } from '../../deploy-binary/plan/plan.ts';
import type { UnitPart } from '../parts/part.ts';
import { driftObstacles } from '../plan/drift.ts';
import { logCommandOutput } from './command-output.ts';

const PHASES = {
  staged: 'new unit file is on the target, verified by systemd; sha256 verified',
  // Nothing is stopped, started or asked.
  stop: '',
  start: 'new unit file in place',
  stable: '',
  accept: 'new unit file accepted',
  rollback: 'rolling back',
  'restart-old': '',
  'rollback-stable': 'previous unit file restored',
};

/** The transaction of a unit file. */
export function unitKind(part: UnitPart, log: Log): PartKind {
  return {
    text: program,
    values: { enable: part.enable ? 'yes' : '', restart: 'none' },
    phases: PHASES,
    onSay: logCommandOutput(log),
  };
}

/** What planDeploy says of the file, and what a unit needs beyond that. */
export function planUnit(part: UnitPart, found: Found, plan: Plan): Plan {
  const more = driftObstacles(part, found);
  if (more.length > 0) return { ...plan, kind: 'refused', obstacles: [...plan.obstacles, ...more], steps: [] };
  if (plan.kind !== 'deploy') return plan;
  const reload = { does: 'have systemd read its unit files again', because: 'it uses the old definition otherwise' };
  const enable = part.enable ? [{ does: 'enable the unit', because: '`enable` is set' }] : [];
  return { ...plan, steps: [...plan.steps, reload, ...enable] };
}

import type { Log } from '../../../lib/action/log.ts';
import { shownUrl } from '../../../lib/secrets.ts';
import program from '../../../target/programs/deploy-config.sh';
import type { PartKind } from '../../deploy-binary/deployment.ts';
import type { Found } from '../../deploy-binary/inspect/found.ts';
import type { Plan, PlanStep } from '../../deploy-binary/plan/plan.ts';
import type { ConfigPart } from '../parts/part.ts';
import { contentObstacles } from '../plan/config-content.ts';
import { driftObstacles } from '../plan/drift.ts';
import { logCommandOutput } from './command-output.ts';

const PHASES = {
  staged: 'new file is on the target, checked; sha256 verified',
  // Nothing is stopped.
  stop: '',
  start: 'applying the new file',
  stable: 'new file applied; confirming stability',
  accept: 'new file accepted',
  rollback: 'new file failed; rolling back',
  'restart-old': 'applying the previous file',
  'rollback-stable': 'previous file healthy; confirming stability',
};

/** The transaction of a configuration file. */
export function configKind(part: ConfigPart, log: Log): PartKind {
  return {
    text: program,
    values: { check_command: part.check, apply_command: part.apply, restart: 'none' },
    phases: PHASES,
    onSay: logCommandOutput(log),
  };
}

/** What planDeploy says of the file, and what a configuration needs beyond that. */
export function planConfig(part: ConfigPart, found: Found, { plan, content }: { plan: Plan; content: Buffer }): Plan {
  const more = [...contentObstacles(part, content, found.file?.bytes), ...driftObstacles(part, found)];
  if (more.length > 0) return { ...plan, kind: 'refused', obstacles: [...plan.obstacles, ...more], steps: [] };
  if (plan.kind !== 'deploy') return plan;
  const [first, ...rest] = plan.steps;
  return { ...plan, steps: [...(first ? [first] : []), ...checks(part), ...rest, ...applies(part)] };
}

function checks({ check }: ConfigPart): PlanStep[] {
  return check === undefined
    ? []
    : [{ does: 'run the check on it', because: 'nothing may read a configuration that is wrong' }];
}

function applies({ apply, health }: ConfigPart): PlanStep[] {
  const steps: PlanStep[] = [];
  if (apply !== undefined) steps.push({ does: 'run the apply command', because: 'the service reads the file then' });
  const proofs = [
    health.port === undefined ? '' : `something listens on port ${health.port}`,
    health.url ? `${shownUrl(health.url)} returns ${health.status}` : '',
    health.command ? 'the health command succeeds' : '',
  ].filter((proof) => proof !== '');
  if (proofs.length > 0) {
    steps.push({
      does: `require that ${proofs.join(' and ')} within ${health.timeoutSeconds} s, and for ${health.stableSeconds} s`,
      because: 'otherwise the previous file is restored and applied again',
    });
  }
  return steps;
}

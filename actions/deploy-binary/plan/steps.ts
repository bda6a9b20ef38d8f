import { shownUrl } from '../../../lib/secrets.ts';
import { megabytes, short } from '../../../lib/values.ts';
import type { DeployInputs } from '../inputs.ts';
import type { Found } from '../inspect/found.ts';
import { pids } from './obstacles/process.ts';
import type { Plan, PlanStep, Restart } from './plan.ts';
import type { UnitPlan } from './unit-plan.ts';
import { unitStarts, unitStops } from './unit-steps.ts';

export function steps(
  inputs: DeployInputs,
  found: Found,
  {
    plan,
    difference,
    because,
  }: { plan: Omit<Plan, 'kind' | 'obstacles' | 'steps'>; difference: string; because: string },
): PlanStep[] {
  const list: PlanStep[] = [];
  const inPlace = inputs.strategy === 'in-place';
  const upload = {
    does: `upload ${megabytes(plan.file.bytes)} ${inPlace ? 'once the program is stopped' : 'beside the live file'}`,
    because: difference,
  };
  if (plan.file.from === 'upload' && !inPlace) list.push(upload);
  if (plan.file.from === 'release')
    list.push({ does: `take the kept release ${short(plan.file.sha256)}`, because: 'rollback-to names it' });
  if (plan.restart === 'systemd') list.push(...unitStops(plan.units));
  if (plan.restart === 'command' && inputs.stopCommand) list.push({ does: 'run the stop command', because });
  if (found.processes.length > 0 && plan.restart !== 'systemd') {
    list.push({
      does: `stop ${pids(found.processes)} with ${inputs.stopSignal}, after ${inputs.stopTimeoutSeconds} s with KILL`,
      because: plan.file.from === 'in place already' ? difference : 'it runs the file that is replaced',
    });
  }
  const others = [...(plan.restart === 'process' ? found.processes : []), ...found.strangers].filter(
    ({ uid }) => uid !== found.runUid,
  );
  if (others.length > 0 && plan.restart !== 'none') {
    list.push({
      does: `not start ${others.map(({ pid, user }) => `pid ${pid} (${user})`).join(', ')} again`,
      because: `only ${plan.runAs} is to run the program`,
    });
  }
  if (plan.file.from === 'upload' && inPlace) list.push(upload);
  if (plan.file.from === 'in place already')
    list.push({
      does: `leave the file as it is (${plan.owner}, ${plan.mode})`,
      because: 'its sha256 is the wanted one',
    });
  else
    list.push({
      does: `replace the file by one rename, owner ${plan.owner}, mode ${plan.mode}`,
      because: found.file ? 'the path is always whole that way, old or new' : 'nothing is there yet',
    });
  if (found.file && !plan.sameOwner && plan.file.from !== 'in place already')
    list.push({
      does: `carry over no ACL, capabilities, set-ID bit or right of others to write${inputs.mode || inputs.capabilities ? ' but those given' : ''}`,
      because: `the owner changes from ${found.file.owner} to ${plan.owner}`,
    });
  list.push(...logSteps(inputs, found, plan), ...startSteps(inputs, plan, because));
  return list;
}

function logSteps(
  inputs: DeployInputs,
  found: Found,
  { restart, runAs }: { restart: Restart; runAs: string },
): PlanStep[] {
  if (restart !== 'process' || !found.logForeign) return [];
  const log = inputs.logFile;
  return [{ does: `move ${log} to ${log}.until-TIME and begin a new one`, because: `${runAs} can't write to it` }];
}

function startSteps(
  inputs: DeployInputs,
  plan: { restart: Restart; units: UnitPlan; runAs: string },
  because: string,
): PlanStep[] {
  const { health } = inputs;
  const start: Record<Restart, PlanStep[]> = {
    none: [],
    systemd: unitStarts(plan.units),
    command: [{ does: 'run the start command', because }],
    process: [{ does: `start it as ${plan.runAs} in ${inputs.workingDirectory ?? inputs.folder}`, because }],
  };
  if (plan.restart === 'none') return [];
  const proofs = [
    health.port === undefined ? '' : `it listens on port ${health.port}`,
    health.url
      ? `${shownUrl(health.url)} answers ${health.status}${health.contains ? ' with the text wanted' : ''}`
      : '',
    health.command ? 'the health command succeeds' : '',
  ].filter((proof) => proof !== '');
  return [
    ...start[plan.restart],
    {
      does: `prove that ${proofs.join(' and ') || 'the process runs this file'} within ${health.timeoutSeconds} s, and stays so for ${health.stableSeconds} s`,
      because: inputs.rollback
        ? 'the previous version is put back if not'
        : 'the step fails if not (rollback is false)',
    },
  ];
}

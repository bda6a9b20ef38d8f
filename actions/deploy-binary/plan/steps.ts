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
    does: `upload ${megabytes(plan.file.bytes)} ${inPlace ? 'once the program is stopped' : 'next to the live file'}`,
    because: difference,
  };
  if (plan.file.from === 'upload' && !inPlace) list.push(upload);
  if (plan.file.from === 'release')
    list.push({ does: `use the kept release ${short(plan.file.sha256)}`, because: 'rollback-to selects it' });
  if (plan.restart === 'systemd') list.push(...unitStops(plan.units));
  if (plan.restart === 'command' && inputs.stopCommand) list.push({ does: 'run the stop command', because });
  if (found.processes.length > 0 && plan.restart !== 'systemd') {
    list.push({
      does: `stop ${pids(found.processes)} (${inputs.stopSignal}, then KILL after ${inputs.stopTimeoutSeconds} s)`,
      because: plan.file.from === 'in place already' ? difference : 'it runs the file being replaced',
    });
  }
  const others = [...(plan.restart === 'process' ? found.processes : []), ...found.strangers].filter(
    ({ uid }) => uid !== found.runUid,
  );
  if (others.length > 0 && plan.restart !== 'none') {
    list.push({
      does: `do not restart ${others.map(({ pid, user }) => `pid ${pid} (${user})`).join(', ')}`,
      because: `only ${plan.runAs} is to run the program`,
    });
  }
  if (plan.file.from === 'upload' && inPlace) list.push(upload);
  if (plan.file.from === 'in place already')
    list.push({
      does: `leave the file as it is (${plan.owner}, ${plan.mode})`,
      because: 'its sha256 already matches',
    });
  else
    list.push({
      does: `${found.file ? 'replace the file' : 'move the file into place'} with an atomic rename (owner ${plan.owner}, mode ${plan.mode})`,
      because: 'the path never holds a partial file',
    });
  if (found.file && !plan.sameOwner && plan.file.from !== 'in place already')
    list.push({
      does: `drop its ACL, capabilities, set-ID bits and write permission for others${inputs.mode || inputs.capabilities ? ', except those given' : ''}`,
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
  return [{ does: `move ${log} to ${log}.until-TIME and start a new one`, because: `${runAs} can't write to it` }];
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
    health.port === undefined ? '' : `the process to listen on port ${health.port}`,
    health.url
      ? `${shownUrl(health.url)} to return ${health.status}${health.contains ? ' with the expected text' : ''}`
      : '',
    health.command ? 'the health command to succeed' : '',
  ].filter((proof) => proof !== '');
  return [
    ...start[plan.restart],
    {
      does: `require ${proofs.join(' and ') || 'the process to run this file'} within ${health.timeoutSeconds} s and to stay healthy for ${health.stableSeconds} s`,
      because: inputs.rollback
        ? 'otherwise the previous version is restored'
        : 'otherwise the step fails (`rollback: false`)',
    },
  ];
}

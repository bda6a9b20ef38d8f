import { unitName } from '../../../../lib/service/unit.ts';
import type { DeployInputs } from '../../inputs.ts';
import type { Found } from '../../inspect/found.ts';
import { type FoundUnit, isActive, isJob, isMeant } from '../../inspect/unit-found.ts';
import type { Obstacle } from '../obstacle.ts';
import type { UnitPlan } from '../unit-plan.ts';

interface Chosen {
  plan: UnitPlan;
  named: FoundUnit | undefined;
  runAs: string;
}

/** Every reason why the units could not be brought back to what they are now, each with its remedy. */
export function unitObstacles(inputs: DeployInputs, found: Found, chosen: Chosen): Obstacle[] {
  return [
    ...managerObstacles(inputs, found, chosen),
    ...choiceObstacles(inputs, found, chosen),
    ...supervisorObstacles(inputs, found),
    ...stateObstacles(inputs, chosen.plan),
  ];
}

function managerObstacles(inputs: DeployInputs, found: Found, { plan, runAs }: Chosen): Obstacle[] {
  const list: Obstacle[] = [];
  const service = inputs.service && unitName(inputs.service.replace(/^user:/, ''));
  if (found.serviceError !== undefined) {
    list.push({
      why: `systemd could not be queried for ${service ?? 'the units of the file'}: ${found.serviceError}.`,
      remedy: 'check that systemd runs on the target, and the user manager for a user unit.',
    });
  }
  const isUser = inputs.service?.startsWith('user:') || plan.user !== '';
  if (isUser && !found.userManager) {
    list.push({
      why: `no user manager of ${runAs} is running, so the unit ${service ?? plan.unit} can't be managed.`,
      remedy: `run \`loginctl enable-linger ${runAs}\` on the target once, or set \`run-as\` to the account of the unit.`,
    });
  } else if (isUser && !found.runAsLingers) {
    list.push({
      why: `the user units of ${runAs} stop when its last login ends, because lingering is not enabled.`,
      remedy: `run \`loginctl enable-linger ${runAs}\` on the target once.`,
    });
  }
  return list;
}

function choiceObstacles(inputs: DeployInputs, found: Found, { plan, named }: Chosen): Obstacle[] {
  const { restart, service } = inputs;
  const list: Obstacle[] = [];
  const running = found.units.filter(({ role, pids }) => role === 'program' && pids.length > 0);
  const outside = found.processes.filter(({ pid }) => !running.some(({ pids }) => pids.includes(pid)));
  if (service && found.serviceError === undefined && !(service.startsWith('user:') && !found.userManager)) {
    list.push(...namedObstacles(unitName(service.replace(/^user:/, '')), named, running));
  }
  if (restart === 'systemd' && !plan.unit && !service) {
    list.push({
      why: 'no unit runs the file or has it as its command, so the unit is unknown.',
      remedy: 'set `service` to the name of the unit.',
    });
  }
  const others = running.filter(({ user }) => user !== plan.user);
  if (plan.unit && others.length > 0) {
    list.push({
      why: `${others.map(({ name }) => name).join(', ')} also runs the file, under a different manager than ${plan.unit}.`,
      remedy: 'stop one of them, so that one manager runs the file.',
    });
  }
  for (const { pid, uid, unit } of found.otherUserUnits) {
    list.push({
      why: `pid ${pid} runs the file as the user unit ${unit} of account ${uid}, which this deploy does not manage.`,
      remedy: 'set `run-as` to that account and `service` to user:NAME, or stop that unit.',
    });
  }
  if (restart === 'process' || restart === 'none') list.push(...takenAway(restart, running));
  const [first, second] = plan.units;
  if (!service && first && second && !isRun(first) && !isRun(second)) {
    list.push({
      why: `${plan.units.map(({ name }) => name).join(', ')} have the file as their command, and none of them is active.`,
      remedy: 'set `service` to the name of the unit to start.',
    });
  } else if (
    !service &&
    plan.unit &&
    outside.length > 0 &&
    running.length === 0 &&
    [...plan.units, ...plan.restarted].some(isMeant)
  ) {
    list.push({
      why: `pid ${outside.map(({ pid }) => pid).join(', ')} runs the file outside its unit ${plan.unit}, which is ${first?.active ?? 'not active'}.`,
      remedy: 'stop that process and start the unit, or set `restart: process` to leave the unit out.',
    });
  }
  return list;
}

function isRun(unit: FoundUnit): boolean {
  return isActive(unit) || unit.pids.length > 0;
}

function namedObstacles(service: string, named: FoundUnit | undefined, running: readonly FoundUnit[]): Obstacle[] {
  if (named?.load !== 'loaded') {
    const load = named?.load ?? 'not-found';
    return [
      {
        why: `the unit ${service} is ${load}.`,
        remedy:
          load === 'masked'
            ? `run \`systemctl unmask ${service}\` on the target, or correct \`service\`.`
            : 'install and load the unit first (`systemctl daemon-reload`), or correct `service`.',
      },
    ];
  }
  if (named.pids.length > 0 || named.command !== 'no' || running.length === 0) return [];
  const names = running.map(({ name }) => name).join(', ');
  return [
    {
      why: `service names ${named.name}, but the file is run by ${names}.`,
      remedy: `set \`service\` to ${running[0]?.name}, or leave it out.`,
    },
  ];
}

function takenAway(restart: string, running: readonly FoundUnit[]): Obstacle[] {
  const serving = running.filter((unit) => !isJob(unit));
  if (serving.length === 0 || restart === 'none') return [];
  return [
    {
      why: `restart is ${restart}, but pid ${serving.flatMap(({ pids }) => pids).join(', ')} belongs to the unit ${serving.map(({ name }) => name).join(', ')}.`,
      remedy: 'set `restart: auto`, so that the unit is restarted; or stop and disable the unit first.',
    },
  ];
}

const COMMANDS: Record<string, (name: string) => string> = {
  supervisord: (name) => `stop-command: supervisorctl stop ${name}, start-command: supervisorctl start ${name}`,
  pm2: (name) => `stop-command: pm2 stop ${name}, start-command: pm2 start ${name}`,
  runsv: (name) => `stop-command: sv stop ${name}, start-command: sv start ${name}`,
  's6-supervise': (name) => `stop-command: s6-svc -d ${name}, start-command: s6-svc -u ${name}`,
  supervise: (name) => `stop-command: svc -d ${name}, start-command: svc -u ${name}`,
  monit: (name) => `stop-command: monit stop ${name}, start-command: monit start ${name}`,
  circusd: (name) => `stop-command: circusctl stop ${name}, start-command: circusctl start ${name}`,
};

const USUAL_FOLDERS: Record<string, string> = { 's6-supervise': '/run/service/', supervise: '/service/' };

/** To stop the unit would stop all the programs of the supervisor; to kill the process, make it start another one. */
function supervisorObstacles(inputs: DeployInputs, found: Found): Obstacle[] {
  if (inputs.restart === 'command') return [];
  const kept = found.processes.find(({ supervisor }) => supervisor !== '');
  if (!kept) return [];
  const unit = found.units.find(({ pids }) => pids.includes(kept.pid));
  const usual = `${USUAL_FOLDERS[kept.supervisor] ?? ''}${inputs.name}`;
  const commands = COMMANDS[kept.supervisor]?.(kept.supervised || usual) ?? 'its stop and start commands';
  const hint = kept.supervised ? '' : ` (use the name that ${kept.supervisor} has for it)`;
  return [
    {
      why: `pid ${kept.pid} is kept running by ${kept.supervisor} (pid ${kept.supervisorPid})${unit ? `, the unit ${unit.name}` : ''}.`,
      remedy: `set \`restart: command\` with ${commands}${hint}.`,
    },
  ];
}

function stateObstacles(inputs: DeployInputs, plan: UnitPlan): Obstacle[] {
  const list: Obstacle[] = [];
  for (const unit of [...plan.units, ...plan.restarted]) {
    if (unit.transient) {
      list.push({
        why: `the unit ${unit.name} is transient (systemd-run): once stopped, it can't be started again.`,
        remedy: 'write a unit file for the program, or stop the unit and set `restart: process`.',
      });
    }
    if (unit.startRefused || unit.stopRefused) {
      list.push({
        why: `the unit ${unit.name} refuses to be ${unit.startRefused ? 'started' : 'stopped'} by hand.`,
        remedy: `remove RefuseManual${unit.startRefused ? 'Start' : 'Stop'}= from it, or set \`service\` to the unit that controls it.`,
      });
    }
  }
  if (inputs.strategy === 'in-place' && plan.restarted.length > 0) {
    list.push({
      why: `${plan.restarted.map(({ name }) => name).join(', ')} can be started at any moment by what triggers it, so the path must never be empty.`,
      remedy: 'set `strategy: staged`.',
    });
  }
  const waiting = plan.left.find((unit) => !isJob(unit));
  if (waiting && plan.units.length + plan.restarted.length === 0 && inputs.health.port !== undefined) {
    list.push({
      why: `the unit ${waiting.name} runs only when its socket, timer or path starts it, so no process listens on port ${inputs.health.port}.`,
      remedy: 'use `health-url`, whose request starts it, or leave out `health-port`.',
    });
  }
  const [job] = plan.left.filter(isJob);
  const asksForHealth = inputs.health.url ?? inputs.health.port ?? inputs.health.command;
  if (job && plan.units.length + plan.restarted.length === 0 && asksForHealth !== undefined) {
    list.push({
      why: `the unit ${job.name} is a job that ends, so it cannot be health-checked.`,
      remedy: 'leave out `health-url`, `health-port` and `health-command`: only the file is replaced.',
    });
  }
  return list;
}

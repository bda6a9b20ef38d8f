import type { DeployInputs } from '../inputs.ts';
import type { Found } from '../inspect/found.ts';
import { type FoundUnit, isActive, isJob, isMeant } from '../inspect/unit-found.ts';
import { unitObstacles } from './obstacles/unit.ts';
import type { UnitPlan } from './unit-plan.ts';

const NO_UNITS: UnitPlan = {
  unit: '',
  user: '',
  because: '',
  units: [],
  restarted: [],
  left: [],
  dependents: [],
  triggers: [],
  wanted: [],
  notes: [],
  obstacles: [],
};

/** Pure: which units are stopped, started and left alone; the obstacles are those of units only. */
export function planUnits(inputs: DeployInputs, found: Found, runAs: string): UnitPlan {
  const named = inputs.service ? findNamed(inputs.service, found.units) : undefined;
  const chosen = inputs.restart === 'auto' || inputs.restart === 'systemd' ? choose(found, named) : [];
  const [first] = chosen;
  const user = first?.user ?? (inputs.service?.startsWith('user:') ? runAs : '');
  const ofManager = found.units.filter((unit) => unit.user === user);
  const left = chosen.filter((unit) => isJob(unit) || isPerConnection(unit, ofManager));
  const working = chosen.filter((unit) => !left.includes(unit));
  const restarted = working.filter((unit) => isTriggered(unit, ofManager));
  const units = working.filter((unit) => !restarted.includes(unit));
  const plan: UnitPlan = {
    ...NO_UNITS,
    unit: first?.name ?? '',
    user,
    because: first ? whyChosen(inputs, first) : '',
    units,
    // One that waits for its first connection is started by that.
    restarted: restarted.filter((unit) => isActive(unit) || unit.pids.length > 0),
    left: [...left, ...restarted.filter((unit) => !isActive(unit) && unit.pids.length === 0)],
    dependents: dependentsOf(working, ofManager),
    triggers: ofManager.filter((unit) => unit.role === 'trigger'),
    wanted: ofManager.filter((unit) => unit.role === 'wanted'),
  };
  return {
    ...plan,
    notes: unitNotes(inputs, plan),
    obstacles: unitObstacles(inputs, found, { plan, named, runAs }),
  };
}

/** Whether the start of one unit would start something that somebody has stopped. */
export function startsAlone(plan: UnitPlan): boolean {
  return keptStopped(plan).length > 0;
}

/** Jobs that systemd runs before each start of the units, a migration for one. */
export function startedFirst({ wanted }: UnitPlan): FoundUnit[] {
  return wanted.filter((unit) => !isActive(unit) && unit.load === 'loaded' && isJob(unit));
}

function keptStopped({ units, restarted, dependents, wanted, triggers }: UnitPlan): FoundUnit[] {
  // A target is started without what it wants.
  const along = dependents.filter(({ name }) => !name.endsWith('.target'));
  const started = [...units, ...restarted, ...along].flatMap(({ wants }) => wants);
  return [...wanted, ...triggers].filter(
    (unit) => !isActive(unit) && unit.load === 'loaded' && !isJob(unit) && started.includes(unit.name),
  );
}

function findNamed(service: string, units: readonly FoundUnit[]): FoundUnit | undefined {
  const isUser = service.startsWith('user:');
  const bare = service.replace(/^user:/, '');
  return units.find(
    ({ role, user, names, name }) =>
      role === 'program' &&
      (user !== '') === isUser &&
      [name, ...names].some((one) => one === bare || one === `${bare}.service`),
  );
}

/** The units that run the file, the named or first one first; where none does, the one whose command it is. */
function choose({ units, processes }: Found, named: FoundUnit | undefined): FoundUnit[] {
  const programs = units.filter(({ role, load }) => role === 'program' && load !== 'not-found');
  const ofManager = programs.filter(({ user }) => !named || user === named.user);
  const running = ofManager.filter(({ pids }) => pids.length > 0);
  const lively = ofManager.filter((unit) => isActive(unit) && !isJob(unit));
  // One that only names the file, to copy or check it, does not run it; one that is just starting it again may have no process.
  const starts = lively.filter(({ command }) => command === 'exact' || (running.length === 0 && command !== 'no'));
  const active = [...new Set([...running, ...starts])];
  if (named) return [named, ...active.filter((unit) => unit !== named)];
  if (active.length > 0) return active.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
  const idle = ofManager.filter((unit) => unit.command !== 'no' && (processes.length === 0 || isMeant(unit)));
  const services = idle.filter((unit) => !isJob(unit));
  const best = Math.min(...services.map(rank));
  return services.length > 0 ? services.filter((unit) => rank(unit) === best) : idle;
}

/** What serves comes before jobs, a unit that starts the file itself before one that only names it. */
function rank(unit: FoundUnit): number {
  return (isJob(unit) ? 2 : 0) + (unit.command === 'exact' ? 0 : 1);
}

/** The active units that systemd stops with these, however far away. */
function dependentsOf(stopped: readonly FoundUnit[], all: readonly FoundUnit[]): FoundUnit[] {
  const reached = [...stopped];
  // What is appended is reached too.
  for (const { dependents } of reached) {
    reached.push(...all.filter((unit) => dependents.includes(unit.name) && isActive(unit) && !reached.includes(unit)));
  }
  return reached.slice(stopped.length);
}

function isPerConnection(unit: FoundUnit, units: readonly FoundUnit[]): boolean {
  return triggersOf(unit, units).some(({ name, accept }) => name.endsWith('.socket') && accept);
}

/** Whether something that is active now may start the unit while it is stopped. */
function isTriggered(unit: FoundUnit, units: readonly FoundUnit[]): boolean {
  return triggersOf(unit, units).some(isActive);
}

function triggersOf(unit: FoundUnit, units: readonly FoundUnit[]): FoundUnit[] {
  return units.filter(({ role, name }) => role === 'trigger' && unit.triggers.includes(name));
}

function whyChosen({ service }: DeployInputs, unit: FoundUnit): string {
  if (service) return 'the input `service` names it';
  if (unit.pids.length > 0) return `it manages pid ${unit.pids.join(', ')}, which runs the file`;
  return unit.command === 'last' ? 'the last deploy started it' : 'its command is the file';
}

function unitNotes(inputs: DeployInputs, plan: UnitPlan): string[] {
  const names = (units: readonly FoundUnit[]) => units.map(({ name }) => name).join(', ');
  const notes: string[] = [];
  const concerned = [...plan.units, ...plan.restarted];
  const stale = [...concerned, ...plan.left].filter(({ reload }) => reload);
  if (stale.length > 0 && !inputs.daemonReload) {
    notes.push(
      `${names(stale)} changed on disk, and systemd still uses the old definition: set \`daemon-reload: true\`, or run \`systemctl daemon-reload\` on the target.`,
    );
  }
  const stopped = keptStopped(plan);
  if (stopped.length > 0) notes.push(`${names(stopped)} ${areOrIs(stopped)} stopped now, and will stay stopped.`);
  const disabled = concerned.filter(({ enabled }) => enabled === 'disabled');
  if (disabled.length > 0)
    notes.push(`${names(disabled)} ${areOrIs(disabled)} disabled, and will not start when the target boots.`);
  const failed = concerned.filter(({ active }) => active === 'failed');
  if (failed.length > 0) notes.push(`${names(failed)} had failed before this deploy.`);
  return notes;
}

function areOrIs(units: readonly FoundUnit[]): string {
  return units.length === 1 ? 'is' : 'are';
}

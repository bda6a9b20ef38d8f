import type { Found } from '../inspect/found.ts';
import type { FoundUnit } from '../inspect/unit-found.ts';
import type { PlanStep } from './plan.ts';
import type { UnitPlan } from './unit-plan.ts';

/** The units that are stopped before the file is replaced. */
export function unitStops({ units, dependents, because }: UnitPlan): PlanStep[] {
  if (units.length === 0) return [];
  const along = dependents.length > 0 ? `, and with ${those(units)} ${list(dependents)}` : '';
  return [{ does: `stop the ${named(units)}${along}`, because }];
}

/** The units that run afterwards what ran before. */
export function unitStarts({ units, restarted, left, dependents, triggers, because }: UnitPlan): PlanStep[] {
  const steps: PlanStep[] = [];
  if (units.length > 0) {
    const along = dependents.length > 0 ? `, then ${list(dependents)}` : '';
    steps.push({ does: `start the ${named(units)}${along}`, because });
  }
  if (restarted.length > 0) {
    const kept = triggers.filter(({ name }) => restarted.some((unit) => unit.triggers.includes(name)));
    steps.push({
      does: `restart the ${named(restarted)} while ${list(kept)} stays as it is`,
      because: `${list(kept)} may start ${those(restarted)} at any moment`,
    });
  }
  if (left.length > 0) {
    steps.push({
      does: `leave the ${named(left)} alone`,
      because: `the next start of ${those(left)} runs the new file`,
    });
  }
  return steps;
}

/** Why the units have to be restarted; undefined when each of them runs the file. */
export function unitDifference({ unit, units, restarted }: UnitPlan, { processes }: Found): string | undefined {
  for (const one of [...units, ...restarted]) {
    if (one.pids.length === 0) return `the unit ${one.name} is not running it`;
  }
  const concerned = [...units, ...restarted].flatMap(({ pids }) => pids);
  const outside = processes.find(({ pid }) => !concerned.includes(pid));
  return outside && concerned.length > 0 ? `pid ${outside.pid} runs it outside the unit ${unit}` : undefined;
}

function named(units: readonly FoundUnit[]): string {
  return units.length === 1 ? `unit ${list(units)}` : `units ${list(units)}`;
}

function those(units: readonly FoundUnit[]): string {
  return units.length === 1 ? 'it' : 'them';
}

function list(units: readonly FoundUnit[]): string {
  return units.map(({ name }) => name).join(', ');
}

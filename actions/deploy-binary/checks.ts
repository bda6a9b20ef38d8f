import { shownUrl } from '../../lib/secrets.ts';
import type { DeployResult } from './result.ts';

/** One thing that was proved of the new version, or was not; in the form of verify-deploy. */
export interface Check {
  /** `sha256`, an input that asks for health, `health` where it is not known which of them failed, or `stable`. */
  name: string;
  expected: string;
  found: string;
  ok: boolean;
}

/** Pure: what came to be proved on the target, in its order; nothing where it did not come so far. */
export function checksOf({ inputs, plan, outcome }: DeployResult): Check[] {
  const { health, dryRun } = inputs;
  const { state, failed, why } = outcome;
  const isHealthy = ((state === 'active' || state === 'unchanged') && !dryRun) || failed === 'stable';
  if (!isHealthy && failed !== 'health') return [];
  const stays = `healthy for ${health.stableSeconds} s, as the same process`;
  const asked: [name: string, expected: string | undefined][] = [
    ['health-port', health.port === undefined ? undefined : `the process listens on ${health.port}`],
    ['health-url', health.url && `${shownUrl(health.url)} answers ${health.status}`],
    ['health-contains', health.contains && 'the expected text in the response'],
    ['health-command', health.command && 'exit code 0'],
  ];
  const checks = [good('sha256', plan.file.sha256)];
  if (!isHealthy) return [...checks, bad('health', `within ${health.timeoutSeconds} s`, why)];
  for (const [name, expected] of asked) if (expected) checks.push(good(name, expected));
  if (failed === 'stable') return [...checks, bad('stable', stays, why)];
  return state === 'active' && plan.restart !== 'none' ? [...checks, good('stable', stays)] : checks;
}

function good(name: string, expected: string): Check {
  return { name, expected, found: expected, ok: true };
}

function bad(name: string, expected: string, found: string): Check {
  return { name, expected, found, ok: false };
}

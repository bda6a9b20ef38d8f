import type { ActionContext } from '../../lib/action/action.ts';
import type { Summary } from '../../lib/action/outputs.ts';
import { TargetError } from '../../lib/errors.ts';
import { escapeForeign, linesOf } from '../../lib/foreign.ts';
import type { VerifyInputs } from './inputs.ts';
import type { Verified } from './verified.ts';

/** One line per check and target, outputs and summary; throws when a check does not hold. */
export async function report(
  targets: readonly Verified[],
  inputs: VerifyInputs,
  context: ActionContext,
): Promise<void> {
  const { log } = context;
  for (const { target, checks } of targets) {
    log.line(`${inputs.path} on ${target}`);
    for (const { name, expected, found, ok } of checks) {
      log.line(
        `  ${ok ? 'ok    ' : 'FAILED'} ${name.padEnd(15)} expected ${escapeForeign(expected)}; found ${foundText(found)}`,
      );
    }
  }
  const failed = targets.flatMap(({ target, checks }) =>
    checks.filter(({ ok }) => !ok).map((check) => ({ target, ...check })),
  );
  const several = targets.length > 1;
  await context.outputs({
    verified: failed.length === 0,
    sha256: targets[0]?.sha256 ?? '',
    pid: targets[0]?.pid ?? '',
    checks: targets.flatMap(({ target, checks }) => checks.map((check) => (several ? { target, ...check } : check))),
    failed: [...new Set(failed.map(({ name }) => name))].join(','),
  });
  await context.summary(summaryOf(targets, inputs));
  if (failed.length === 0) {
    log.line(several ? `All checks passed on ${targets.length} targets.` : 'All checks passed.');
    return;
  }
  throw new TargetError({
    what: `Verifying ${inputs.path}`,
    where: [...new Set(failed.map(({ target }) => target))].join(', '),
    why: failed
      .map(({ target, name, found }) => `${several ? `${target}: ` : ''}${name}: ${foundText(found)}`)
      .join('\n'),
    remedy: 'compare the lines above with the intended release; to fix it, run deploy-binary with the same source.',
  });
}

/** Several lines of a log become one. */
function foundText(found: string): string {
  return linesOf(found).map(escapeForeign).join(' | ');
}

/** A table with a column per target. */
function summaryOf(targets: readonly Verified[], inputs: VerifyInputs): Summary {
  const names = [...new Set(targets.flatMap(({ checks }) => checks.map(({ name }) => name)))];
  const cell = (name: string, { checks }: Verified) => {
    const found = checks.find((check) => check.name === name);
    return found ? `${found.ok ? '✓' : '✗'} ${foundText(found.found)}` : '';
  };
  return {
    title: `Verification of ${inputs.path}`,
    head: ['check', ...targets.map(({ target }) => target)],
    rows: names.map((name) => [name, ...targets.map((target) => cell(name, target))]),
  };
}

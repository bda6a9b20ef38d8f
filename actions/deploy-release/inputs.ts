import * as z from 'zod/mini';
import { choice, flagOr, matching, optional, wholeNumberOr, without } from '../../lib/action/fields.ts';
import { type HookInputs, hookContradictions, hookFields } from '../../lib/hooks/inputs.ts';
import { type RolloutInputs, rolloutContradictions, rolloutFields } from '../../lib/rollout/inputs.ts';
import { type ConnectionInputs, connectionFields, hostsOf } from '../../lib/ssh/inputs.ts';
import type { DeployInputs, ProgramInputs } from '../deploy-binary/inputs.ts';

/** Every input of action.yml under its own name, checked; see README.md for what each means. */
export const fields = z
  .object({
    ...connectionFields,
    ...rolloutFields,
    ...hookFields,
    // `hosts-file` may name them all.
    host: z.optional(connectionFields.host),
    parts: optional(),
    'parts-file': optional(),
    rollback: flagOr(true),
    'rollback-to': z.optional(matching(/^previous$/i, 'previous')),
    'keep-releases': wholeNumberOr(3, 0, 100),
    'allow-older': flagOr(false),
    force: flagOr(false),
    transfer: choice(['auto', 'delta', 'compressed', 'plain']),
    'lock-timeout-seconds': wholeNumberOr(60, 0, 86_400),
    'revert-all': flagOr(false),
    'dry-run': flagOr(false),
    'report-file': optional(),
  })
  .check(without(contradictions));

type Fields = z.infer<typeof fields>;

/** What the user asked for, the parts aside; the only place that knows the input names. */
export type ReleaseInputs = ReturnType<typeof toReleaseInputs>;

export const schema = z.pipe(fields, z.transform(toReleaseInputs));

function toReleaseInputs(given: Fields) {
  return {
    hosts: hostsOf(given.host ?? ''),
    connection: given as Omit<ConnectionInputs, 'host'>,
    rollout: given as RolloutInputs,
    hooks: given as HookInputs,
    parts: given.parts,
    partsFile: given['parts-file'],
    sudo: given.sudo,
    rollback: given.rollback,
    isRollback: given['rollback-to'] !== undefined,
    keepReleases: given['keep-releases'],
    allowOlder: given['allow-older'],
    force: given.force,
    transfer: given.transfer,
    lockTimeoutSeconds: given['lock-timeout-seconds'],
    revertAll: given['revert-all'],
    dryRun: given['dry-run'],
    reportFile: given['report-file'],
  };
}

/** The inputs with which deploy-binary would deploy this program alone. */
export function programInputs(inputs: ReleaseInputs, program: ProgramInputs): DeployInputs {
  const status = { context: undefined, token: undefined };
  return { ...inputs, ...program, strategy: 'staged', rollbackTo: undefined, status };
}

function contradictions(given: Partial<Fields>): [input: string, message: string][] {
  const found: [string, string][] = [];
  if (given['revert-all'] === true && given['keep-releases'] === 0)
    found.push(['keep-releases', 'must be 1 or more with revert-all, which restores the previous release']);
  return [...found, ...rolloutContradictions(given), ...hookContradictions(given)];
}

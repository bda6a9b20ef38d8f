import * as z from 'zod/mini';
import { flagOr, optional, wholeNumberOr } from '../../lib/action/fields.ts';
import { isOwnerAndName } from '../../lib/forge/access.ts';
import { dispatchInputs, dispatchLines, workflowFile } from '../../lib/forge/inputs.ts';
import { isRefName } from '../../lib/git/refs.ts';
import { parseRemote } from '../../lib/git/url.ts';

/** Every input of action.yml under its own name, checked; see README.md for what each means. */
const fields = z.object({
  workflow: workflowFile(),
  repository: z.optional(
    z.string().check(
      z.refine((value) => isOwnerAndName(value) || parseRemote(value)?.kind === 'http', {
        error: 'expected owner/name, or an https URL without a password in it',
      }),
    ),
  ),
  ref: z.optional(z.string().check(z.refine(isRefName, { error: 'expected the name of a branch or tag' }))),
  inputs: dispatchLines(),
  token: optional(),
  wait: flagOr(false),
  'wait-timeout-seconds': wholeNumberOr(3600, 1, 86_400),
});

/** What the user asked for, in the terms of this action. */
export type RunInputs = ReturnType<typeof toRunInputs>;

export const schema = z.pipe(fields, z.transform(toRunInputs));

function toRunInputs(given: z.infer<typeof fields>) {
  return {
    workflow: given.workflow,
    repository: given.repository,
    ref: given.ref,
    inputs: dispatchInputs(given.inputs),
    token: given.token,
    wait: given.wait,
    waitTimeoutSeconds: given['wait-timeout-seconds'],
  };
}

import type { WorkflowRun } from '../../lib/forge/parse-run.ts';
import type { Dispatch } from '../../lib/forge/runs.ts';
import type { RunInputs } from './inputs.ts';

const MARKER = '{marker}';

/** Whether a unique text is wanted in the inputs of the workflow. */
export function isMarked({ inputs }: RunInputs): boolean {
  return Object.values(inputs).some((value) => value.includes(MARKER));
}

/** What is started, with the unique text in place. */
export function planDispatch({ workflow, inputs }: RunInputs, ref: string, marker: string): Dispatch {
  const filled = Object.entries(inputs).map(([name, value]) => [name, value.replaceAll(MARKER, marker)]);
  return { workflow, ref, inputs: Object.fromEntries(filled) };
}

/** Why it is unknown which run was started, and what to do about it. */
export function unknownRun(found: readonly WorkflowRun[], page: string): readonly [why: string, remedy: string] {
  if (found.length === 0)
    return [
      'it was started, but no run of it appeared in time.',
      `open ${page} in the browser before you start it again.`,
    ];
  const runs = found.map(({ number, id }) => number || id).join(', ');
  return [
    `the runs ${runs} appeared at the same time, and this forge does not report which of them was started here.`,
    'put `{marker}` into the value of one of `inputs`, and that input into `run-name` of the workflow.',
  ];
}

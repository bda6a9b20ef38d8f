import { setTimeout as sleep } from 'node:timers/promises';
import type { ActionContext } from '../action/action.ts';
import type { Forge } from './client.ts';
import { longer } from './follow-run.ts';
import type { WorkflowRun } from './parse-run.ts';
import { type Dispatch, dispatchWorkflow, isDispatch, isOnRef, listRuns } from './runs.ts';

/** How the run of a dispatch is recognized where the forge does not report it. */
export interface Starting {
  /** Unique text that its title may have. */
  marker?: string | undefined;
  /** How long the run is looked for where the forge does not report it. */
  appearsSeconds: number;
  /** Asked only where it is needed. */
  actor?: () => Promise<string>;
  /** The runs before, where they were read already. */
  listed?: readonly WorkflowRun[] | undefined;
  context: ActionContext;
}

const FIRST_PAUSE_MS = 500;
const PROGRESS_SECONDS = 15;
/** Times have whole seconds, and the forge may have several machines. */
const CLOCK_SLACK_MS = 5000;

/**
 * Starts a workflow and finds its run. Gives one, or several where this forge says too little to tell which one it is, or none
 * where it lists no runs or none appeared in time.
 */
export async function startRun(
  forge: Forge,
  dispatch: Dispatch,
  { appearsSeconds, context, ...given }: Starting,
): Promise<WorkflowRun[]> {
  const listed = given.listed ?? (appearsSeconds > 0 ? await listRuns(forge) : undefined);
  const { run, at } = await dispatchWorkflow(forge, dispatch);
  context.log.line(`Started ${dispatch.workflow} on ${dispatch.ref}`);
  if (run) return [{ ...run, url: run.url || `${forge.page}/actions/runs/${run.number}` }];
  if (!listed) return [];
  const before = new Set(listed.map(({ id }) => id));
  const actor = (await given.actor?.()) ?? '';
  const find = (runs: readonly WorkflowRun[]) =>
    candidates(runs, { dispatch, before, at, actor, marker: given.marker });
  return appeared(forge, find, { appearsSeconds, context });
}

interface Marks {
  dispatch: Dispatch;
  /** Ids of the runs that were there before. */
  before: ReadonlySet<number>;
  /** When it was started, by the clock of the forge in milliseconds; 0 where that is unknown. */
  at: number;
  /** Empty where it is unknown. */
  actor: string;
  marker: string | undefined;
}

/** Those that may be the one: started by a dispatch of that file on that branch, since then, by that account; best by its marker. */
export function candidates(
  runs: readonly WorkflowRun[],
  { dispatch, before, at, actor, marker }: Marks,
): WorkflowRun[] {
  const possible = runs.filter(
    (run) =>
      !before.has(run.id) &&
      isDispatch(run, dispatch.workflow) &&
      isOnRef(run, dispatch.ref) &&
      (at === 0 || run.createdAt === 0 || run.createdAt >= at - CLOCK_SLACK_MS) &&
      (actor === '' || run.actor === '' || run.actor.toLowerCase() === actor.toLowerCase()),
  );
  const marked = possible.filter(({ title }) => marker !== undefined && title.includes(marker));
  return marked.length > 0 ? marked : possible;
}

/** Waits until the same runs were found twice: another one may become visible first. */
async function appeared(
  forge: Forge,
  find: (runs: readonly WorkflowRun[]) => WorkflowRun[],
  { appearsSeconds, context: { log, signal } }: Pick<Starting, 'appearsSeconds' | 'context'>,
): Promise<WorkflowRun[]> {
  const startedAt = Date.now();
  let [reportedAt, last] = [startedAt, ''];
  log.line(`Waiting for the run to appear, at most ${appearsSeconds} s`);
  for (let pause = FIRST_PAUSE_MS; Date.now() < startedAt + appearsSeconds * 1000; pause = longer(pause)) {
    const found = find((await listRuns(forge)) ?? []);
    const ids = found.map(({ id }) => id).join();
    if (signal.aborted || (found.length > 0 && ids === last)) return found;
    last = ids;
    if (Date.now() - reportedAt >= PROGRESS_SECONDS * 1000) {
      reportedAt = Date.now();
      log.line(`  no run yet after ${((reportedAt - startedAt) / 1000).toFixed(0)} s`);
    }
    await sleep(pause, undefined, { signal }).catch(() => undefined);
  }
  return [];
}

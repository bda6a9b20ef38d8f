import type { ActionContext } from '../../lib/action/action.ts';
import { nameOf } from '../../lib/forge/follow-run.ts';
import type { WorkflowRun } from '../../lib/forge/parse-run.ts';

const SAVED = 'waits-for';

/** Keeps what the step waits for, for the case that it is killed; nothing when it has ended. */
export function remember(run: WorkflowRun | undefined, context: ActionContext): void {
  context.save(SAVED, run ? `${nameOf(run)} ${run.url}` : '');
}

/** The post step: when the main step was killed while it waited, says that the run goes on. */
export async function reportInterrupted(
  saved: (name: string) => string,
  _: unknown,
  { log }: ActionContext,
): Promise<void> {
  const [name, url] = saved(SAVED).split(' ');
  if (name) log.line(`This step was cancelled. Run ${name} was not, and goes on: ${url}`);
}

import type { ActionContext } from '../../lib/action/action.ts';
import { prefixed } from '../../lib/action/log.ts';
import { InputError } from '../../lib/errors.ts';
import type { Begun } from '../deploy-binary/book.ts';
import { followInterrupted } from '../deploy-binary/post.ts';
import { programInputs, type ReleaseInputs } from './inputs.ts';
import { asProgram } from './kinds/as-program.ts';
import { readParts } from './parts/read-parts.ts';

/** The post step: when the main step was killed during a release, waits for the results of its parts and reports them. */
export async function reportInterrupted(
  saved: (name: string) => string,
  inputs: () => ReleaseInputs,
  context: ActionContext,
): Promise<void> {
  const open = JSON.parse(saved('begun') || '[]') as Begun[];
  if (open.length === 0) return;
  const { log } = context;
  log.line(
    'The main step was stopped during a release. The target will finish it on its own, as active or rolled-back for all parts.',
  );
  const given = await givenAgain(inputs);
  if (!given) {
    const limitSeconds = Math.max(...open.map((begun) => begun.limitSeconds));
    log.line(
      `The inputs are not available any more, so the target can't be queried. It will finish within ${limitSeconds} s; check with verify-deploy.`,
    );
    return;
  }
  const several = new Set(open.map(({ host }) => host.split('\n')[0])).size > 1;
  await Promise.all(
    open.map(async (begun) => {
      const [host = '', index = ''] = begun.host.split('\n');
      const written = given.parts[Number(index)];
      const part = written && asProgram(written);
      if (!part) return;
      const onTarget = several ? prefixed(log, host) : log;
      const connection = { ...given.inputs.connection, host };
      const one = { inputs: programInputs(given.inputs, part.program), connection };
      await followInterrupted(begun, one, { ...context, log: prefixed(onTarget, part.name) });
    }),
  );
}

/** Undefined where the runner gives a post step no inputs, and where the file of the parts is gone. */
async function givenAgain(inputs: () => ReleaseInputs) {
  try {
    const read = inputs();
    return { inputs: read, parts: await readParts({ parts: read.parts, partsFile: read.partsFile }) };
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}

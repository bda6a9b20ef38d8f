import { setTimeout as sleep } from 'node:timers/promises';
import type { ActionContext } from '../../lib/action/action.ts';
import { Failure } from '../../lib/errors.ts';
import { headerSecrets } from '../../lib/health-headers.ts';
import { readSource } from '../../lib/source.ts';
import { connect, type Host } from '../../lib/ssh/connect.ts';
import type { VerifyInputs } from './inputs.ts';
import { inspect } from './inspect.ts';
import { report } from './report.ts';
import { type Check, verdict } from './verdict.ts';
import type { Verified } from './verified.ts';

const RETRY_PAUSE_SECONDS = 1;
/** A host may count refused logins against us, so the pauses between those grow. */
const LONGEST_PAUSE_SECONDS = 30;

/** The story: what is expected, what is there on every target at once, one line per expectation. */
export async function verify(inputs: VerifyInputs, context: ActionContext): Promise<void> {
  for (const secret of headerSecrets(inputs.health.headers)) context.log.maskValue(secret);
  // Until all is seen to hold, whatever the end.
  await context.outputs({ verified: false });
  const source = inputs.source === undefined ? undefined : await readSource(inputs.source, []);
  const expected = source?.sha256 ?? inputs.sha256;
  const targets = await Promise.all(
    inputs.connections.map((_, index) => verifyTarget(index, inputs, { expected, context })),
  );
  await report(targets, inputs, context);
}

interface Expectation {
  expected: string | undefined;
  context: ActionContext;
}

/** Looks until all holds or the time is over; a target that can't be reached is a failed check like any other. */
async function verifyTarget(
  index: number,
  inputs: VerifyInputs,
  { expected, context }: Expectation,
): Promise<Verified> {
  const connection = inputs.connections[index] as VerifyInputs['connections'][number];
  const deadline = Date.now() + inputs.retrySeconds * 1000;
  let host: Host | undefined;
  let verified: Verified;
  let unreached = 0;
  try {
    for (;;) {
      try {
        host ??= await connect(connection, context);
        unreached = 0;
        const found = await inspect(host, inputs, context.signal);
        verified = {
          target: host.target.name,
          checks: verdict(inputs, expected, found),
          sha256: found.sha256,
          pid: found.processes.find(({ worker }) => !worker)?.pid,
        };
      } catch (error) {
        await host?.[Symbol.asyncDispose]();
        host = undefined;
        unreached += 1;
        verified = { target: connection.host, checks: [unreachable(error)], sha256: '', pid: undefined };
      }
      if (verified.checks.every(({ ok }) => ok) || Date.now() >= deadline || context.signal.aborted) return verified;
      const pauseMs = Math.min(RETRY_PAUSE_SECONDS * 2 ** unreached, LONGEST_PAUSE_SECONDS) * 1000;
      const pause = sleep(Math.min(pauseMs, deadline - Date.now()), undefined, { signal: context.signal });
      await pause.catch(() => undefined);
    }
  } finally {
    await host?.[Symbol.asyncDispose]();
  }
}

function unreachable(error: unknown): Check {
  if (!(error instanceof Failure)) throw error;
  return {
    name: 'connection',
    expected: 'a reachable target',
    found: `${error.fields.why} ${error.fields.remedy}`,
    ok: false,
  };
}

import type { Log } from '../../../lib/action/log.ts';
import type { Host } from '../../../lib/ssh/connect.ts';
import { runProgram } from '../../../lib/ssh/run.ts';
import program from '../../../target/programs/show-drift.sh';
import type { DeployInputs } from '../../deploy-binary/inputs.ts';
import type { Found } from '../../deploy-binary/inspect/found.ts';

const LIMIT_SECONDS = 60;
const MOST_LINES = 20;

/** Prints what somebody changed in a configuration since the last deploy, where everybody on the target may read that. */
export async function showDrift(
  host: Host,
  { folder, name }: DeployInputs,
  { found, log }: { found: Found; log: Log },
): Promise<void> {
  const ran = await runProgram(
    host,
    { text: program, values: { folder, name } },
    { what: 'Comparing with the last deploy', sudo: found.sudo, limitSeconds: LIMIT_SECONDS },
  );
  const lines = ran.answer.quotedLines('drift').filter((line) => line !== '');
  if (ran.answer.yes('drift_hidden'))
    log.line('  what changed is not shown, because not everybody on the target may read it');
  else if (lines.length > 0) log.line('  what changed since the last deploy:');
  for (const line of lines.slice(0, MOST_LINES)) log.line(`  | ${line}`);
  if (lines.length > MOST_LINES) log.line('  | …');
}

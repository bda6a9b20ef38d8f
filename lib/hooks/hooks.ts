import checkGates from '../../target/programs/check-gates.sh';
import letGo from '../../target/programs/let-go.sh';
import runCommand from '../../target/programs/run-command.sh';
import type { Log } from '../action/log.ts';
import { oneLine } from '../foreign.ts';
import type { Host } from '../ssh/connect.ts';
import { quote } from '../ssh/program.ts';
import { notAnswered, runProgram } from '../ssh/run.ts';
import type { HookInputs } from './inputs.ts';

/** What a hook needs of the step. */
export interface HookContext {
  hooks: HookInputs;
  /** Whether the target is worked on as root by sudo. */
  sudo: boolean;
  log: Log;
  /** The number of the workflow run, for `{run}`. */
  run: number;
  /** Takes the step's secrets out of a text. */
  clean: (text: string) => string;
  signal: AbortSignal;
}

const MOST_LINES = 200;
const GATE_COMMAND_SECONDS = 30;
const SPARE_SECONDS = 30;

/** Runs `before-command` on the target, or on the host around the container. Returns why it failed, undefined when it succeeded. */
export async function runBefore(host: Host, context: HookContext): Promise<string | undefined> {
  const { hooks } = context;
  const command = hooks['before-command'] ?? '';
  const isOnHost = hooks['before-on'] === 'host';
  const on = isOnHost ? { ...host, target: { ...host.target, container: undefined } } : host;
  return await run(
    on,
    { ...context, sudo: context.sudo && !isOnHost },
    {
      name: 'before-command',
      command,
      limitSeconds: hooks['before-timeout-seconds'],
    },
  );
}

/** The same of `after-command`, on the target. */
export async function runAfter(host: Host, context: HookContext): Promise<string | undefined> {
  const command = context.hooks['after-command'] ?? '';
  return await run(host, context, {
    name: 'after-command',
    command,
    limitSeconds: context.hooks['after-timeout-seconds'],
  });
}

async function run(
  host: Host,
  { sudo, log, run: number, clean, signal }: HookContext,
  { name, command, limitSeconds }: { name: string; command: string; limitSeconds: number },
): Promise<string | undefined> {
  log.phase(name, `running it, for at most ${limitSeconds} s`);
  let shown = 0;
  const onSay = (key: string, value: string) => {
    if (key !== 'output') return;
    shown += 1;
    if (shown <= MOST_LINES) log.line(`  | ${oneLine(clean(value))}`);
    if (shown === MOST_LINES + 1) log.line('  | (more lines of the command are not shown)');
  };
  const about = { what: `Running ${name}`, state: undefined };
  try {
    const values = { command: command.replaceAll('{run}', String(number)), limit_seconds: limitSeconds };
    const ran = await runProgram(
      host,
      { text: runCommand, values },
      { what: about.what, sudo, limitSeconds: limitSeconds + SPARE_SECONDS, clean, signal, onSay },
    );
    const code = ran.answer.number('command_code');
    if (!ran.complete || code === undefined) return `${name} was cut off: ${ran.cut}`;
    if (code === 0) return undefined;
    if ([124, 137, 143].includes(code)) return `${name} did not finish within ${limitSeconds} s, or was killed`;
    return `${name} exited with code ${code}`;
  } catch (error) {
    return `${name} could not be run: ${(error as Error).message.split('\n')[0]}`;
  }
}

/** What of `require-url`, `require-port` and `require-command` does not hold on the target. */
export async function closedGates(host: Host, { hooks, sudo, clean, signal }: HookContext): Promise<string[]> {
  const { 'require-url': url, 'require-port': port, 'require-command': command } = hooks;
  if (url === undefined && port === undefined && command === undefined) return [];
  const about = { what: 'Checking what the deploy requires', state: 'untouched. Nothing on the target was changed.' };
  const values = { urls: url && quote(url), ports: port, command, limit_seconds: GATE_COMMAND_SECONDS };
  const options = { ...about, sudo, limitSeconds: 2 * GATE_COMMAND_SECONDS, clean, signal };
  const ran = await runProgram(host, { text: checkGates, values }, options);
  if (!ran.complete) throw notAnswered(host, about, ran);
  return ran.answer.quotedLines('gate');
}

/** The release whose participants wait. */
export interface WaitingRelease {
  release: string;
  first: { folder: string; name: string };
}

/** Lets the waiting participants of a release go on, or aborts it. Returns why that failed, undefined when it succeeded. */
export async function tellRelease(
  host: Host,
  { release, first }: WaitingRelease,
  { goes, sudo, signal }: { goes: boolean; sudo: boolean; signal: AbortSignal },
): Promise<string | undefined> {
  const values = { release, first_folder: first.folder, first_name: first.name, goes: goes ? 'yes' : '' };
  const options = { what: 'Continuing the release', sudo, limitSeconds: SPARE_SECONDS, signal };
  try {
    const ran = await runProgram(host, { text: letGo, values }, options);
    if (ran.complete && ran.answer.yes('let_go')) return undefined;
    return `the release could not be continued: ${ran.answer.quote('why') || ran.cut}`;
  } catch (error) {
    return `the release could not be continued: ${(error as Error).message.split('\n')[0]}`;
  }
}

/** Waits until all of `count` participants are staged, then does `work` once. */
export function whenAllWait(count: number, work: () => Promise<void>) {
  let waiting = 0;
  let done: Promise<void> | undefined;
  return {
    onSay: (key: string) => {
      if (key !== 'waits') return;
      waiting += 1;
      if (waiting === count) done = work();
    },
    /** Settles when the work that was started has finished. */
    finished: async () => done,
  };
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { ActionContext } from '../action/action.ts';
import { ConnectionError } from '../errors.ts';
import { choiceLine, chooseTransport } from './choose-transport.ts';
import { ConfigError } from './config.ts';
import { connectBuiltin } from './connect-builtin.ts';
import { connectOpenSsh } from './connect-openssh.ts';
import { isTransient, mayNeedOpenSsh } from './failures.ts';
import type { Host } from './host.ts';
import type { ConnectionInputs } from './inputs.ts';
import { settingOf } from './openssh-settings.ts';
import type { SshVersion } from './openssh-version.ts';
import { configFailure, targetBySsh, targetOf } from './resolve-target.ts';
import { destinationOf, type RunnerFacts, transportFacts } from './transport-facts.ts';

export type { Host } from './host.ts';

const TRIES = 3;

/** Connects and logs in once. Tries again only where the network, not a key, is the cause. */
export async function connect(inputs: ConnectionInputs, context: ActionContext): Promise<Host> {
  const { log } = context;
  log.mask(inputs['ssh-key']);
  log.mask(inputs['ssh-key-passphrase']);
  const open = await chooseWay(inputs, context);
  for (let tried = 1; ; tried += 1) {
    try {
      return await open({ isPatient: tried > 1 });
    } catch (error) {
      if (
        tried >= TRIES ||
        !(error instanceof ConnectionError) ||
        !isTransient(error.fields.cause) ||
        context.signal.aborted
      )
        throw error;
      log.line(`Attempt ${tried} of ${TRIES} failed: ${error.fields.why}`);
      await sleep(tried * (500 + Math.random() * 1000), undefined, { signal: context.signal }).catch(() => undefined);
    }
  }
}

type Open = (attempt: { isPatient: boolean }) => Promise<Host>;

/** The built-in client needs no program on the runner; where more is needed than it can do, the runner's OpenSSH connects. */
async function chooseWay(inputs: ConnectionInputs, context: ActionContext): Promise<Open> {
  if (inputs.transport === 'builtin' && inputs['ssh-certificate'] === undefined) {
    const target = targetOf(inputs.host, inputs, context);
    return () => connectBuiltin(target, inputs, context);
  }
  const facts = await transportFacts(inputs, context);
  const { ssh, settings, builtin } = facts;
  const choice = chooseTransport(facts);
  if (choice.transport === 'none')
    throw new ConnectionError({ what: `Connecting to ${inputs.host}`, why: choice.why, remedy: choice.remedy });
  const line = choiceLine(choice, ssh);
  if (line !== undefined) context.log.line(line);
  if (choice.transport === 'openssh' && 'version' in ssh) return byOpenSsh(ssh.version, facts, { inputs, context });
  if (builtin instanceof ConfigError) throw configFailure(inputs.host, builtin);
  const byBuiltin = () => connectBuiltin(builtin, inputs, context);
  if (settings === undefined || 'unusable' in ssh) return byBuiltin;
  return unlessNewer(byBuiltin, byOpenSsh(ssh.version, facts, { inputs, context }), context);
}

function byOpenSsh(
  version: SshVersion,
  { settings = new Map(), runnerConfig }: RunnerFacts,
  { inputs, context }: { inputs: ConnectionInputs; context: ActionContext },
): Open {
  const target = targetBySsh(inputs, settings, context);
  const written = inputs['proxy-jump'] ?? settingOf(settings, 'proxyjump') ?? '';
  const jumps = written.split(',').filter((jump) => jump !== '' && jump.toLowerCase() !== 'none');
  const way = { to: destinationOf(inputs), target, version, runnerConfig, jumps };
  return ({ isPatient }) => connectOpenSsh(way, { inputs, context, isPatient });
}

/** The first way, and where the server speaks only what the built-in client does not know, the second. */
function unlessNewer(byBuiltin: () => Promise<Host>, byOpenSsh: Open, { log }: ActionContext): Open {
  let open: Open = byBuiltin;
  return async (attempt) => {
    try {
      return await open(attempt);
    } catch (error) {
      if (!(error instanceof ConnectionError) || !mayNeedOpenSsh(error.fields.cause)) throw error;
      log.line(`Connecting with the runner's OpenSSH, because the built-in client can't: ${error.fields.why}`);
      open = byOpenSsh;
      return open(attempt);
    }
  };
}

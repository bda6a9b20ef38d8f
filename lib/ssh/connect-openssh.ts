import { readFile } from 'node:fs/promises';
import type { ActionContext } from '../action/action.ts';
import { ConnectionError } from '../errors.ts';
import { oneLine } from '../foreign.ts';
import { certificateProblem } from './certificate.ts';
import { type Certified, certificatesOf } from './given-certificates.ts';
import type { Host } from './host.ts';
import { givenKeys, type Identity, keysInFiles } from './identities.ts';
import type { ConnectionInputs } from './inputs.ts';
import { fingerprint } from './known-hosts.ts';
import { FIRST_SESSION_SECONDS } from './login.ts';
import { type Destination, hostKeyWords, masterWords, type RunnerConfig } from './openssh-arguments.ts';
import { whyNotConnected } from './openssh-failures.ts';
import { openSshFolder } from './openssh-folder.ts';
import { openSshHost } from './openssh-host.ts';
import { readSshLog, type SshLog } from './openssh-log.ts';
import { askSsh, type Master, startMaster } from './openssh-process.ts';
import type { SshVersion } from './openssh-version.ts';
import { bootstrapCommand } from './program.ts';
import type { Target } from './target.ts';

/** What a connection by OpenSSH is made from. */
export interface OpenSshWay {
  to: Destination;
  target: Target;
  version: SshVersion;
  runnerConfig: RunnerConfig;
  /** Hosts between the runner and the target, as written. */
  jumps: readonly string[];
}

interface Step {
  inputs: ConnectionInputs;
  context: ActionContext;
  isPatient: boolean;
}

const KEY_SECONDS = 30;

/** Connects with the runner's OpenSSH; throws a ConnectionError that says why it could not. */
export async function connectOpenSsh(way: OpenSshWay, step: Step): Promise<Host> {
  const { target } = way;
  const { inputs, context } = step;
  const keys = keysOf(inputs, target);
  const certificates = certificatesOf(inputs['ssh-certificate'], keys);
  const content = { ...way, inputs, keys, certificates, isPatient: step.isPatient, log: context.log };
  const folder = await openSshFolder(content);
  const env = withoutPrompts(context.childEnvironment());
  const master = startMaster(masterWords(folder.config, folder.socket, way.to), { env, folder: folder.path });
  const release = async () => {
    await master.end();
    await folder[Symbol.asyncDispose]();
  };
  const { push, log } = readSshLog();
  try {
    const limitSeconds = target.connectTimeoutSeconds * (1 + way.jumps.length);
    const isLate = await untilReady(master, push, log, { limitSeconds, signal: context.signal });
    if (!log.isReady) {
      const offeredLine = await shownKey(log, { config: folder.config, folder: folder.path, to: way.to, env });
      throw connectionError(way, log, { limitSeconds, isLate, offeredLine, certificates });
    }
    if (inputs['ssh-key'] !== undefined) judgeIdentity(log, keys, target);
    report(log, { target, inputs, context });
    const firstSessionSeconds = inputs['connect-timeout-seconds'] ?? FIRST_SESSION_SECONDS;
    const { socket } = folder;
    const host = openSshHost(target, { master, log, socket, env, firstSessionSeconds, release });
    // The session that comes first anyway: where its login is slow, keepalives end the connection, and the next attempt has more.
    await host.prepare(bootstrapCommand(target.container ? 'host' : 'login'));
    if (log.sentences.some((line) => /^Timeout, server/.test(line)))
      throw connectionError(way, log, { limitSeconds, isLate: false, offeredLine: undefined, certificates });
    return host;
  } catch (error) {
    await release();
    throw error;
  }
}

/** The keys that only we have: those of the input, or the files that a passphrase opens. */
function keysOf(inputs: ConnectionInputs, target: Target): Identity[] {
  const { 'ssh-key': key, 'ssh-key-passphrase': passphrase } = inputs;
  if (key !== undefined) return givenKeys('ssh-key', key, passphrase);
  return passphrase === undefined ? [] : keysInFiles(target, passphrase);
}

/** Nothing asks on a screen or a terminal that a job does not have. */
function withoutPrompts(env: Record<string, string>): Record<string, string> {
  const { DISPLAY: _display, SSH_ASKPASS: _askpass, ...rest } = env;
  return { ...rest, SSH_ASKPASS_REQUIRE: 'never' };
}

/** Resolves when the connection stands or can't any more; true when the limit passed before. */
async function untilReady(
  master: Master,
  push: (text: string) => void,
  log: SshLog,
  { limitSeconds, signal }: { limitSeconds: number; signal: AbortSignal },
): Promise<boolean> {
  let limit: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    limit = setTimeout(resolve, limitSeconds * 1000, true);
    signal.addEventListener('abort', () => resolve(false), { once: true });
  });
  const ready = new Promise<boolean>((resolve) => {
    master.onErrorText((text) => {
      push(text);
      if (log.isReady) resolve(false);
    });
  });
  try {
    return await Promise.race([ready, master.ended.then(() => false), late]);
  } finally {
    clearTimeout(limit);
  }
}

/** The key of a host that is not known or has another one, as a line to paste; undefined where it does not show it again. */
async function shownKey(
  { sentences }: SshLog,
  { config, folder, to, env }: { config: string; folder: string; to: Destination; env: Record<string, string> },
): Promise<string | undefined> {
  if (!sentences.some((line) => /Host key verification failed/.test(line))) return undefined;
  const file = `${folder}/offered`;
  await askSsh(hostKeyWords(config, file, to), { env, limitSeconds: KEY_SECONDS });
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trim().split('\n').at(-1)?.trim() || undefined;
}

interface NotConnected {
  limitSeconds: number;
  isLate: boolean;
  offeredLine: string | undefined;
  certificates: readonly Certified[];
}

function connectionError(
  { target, jumps }: OpenSshWay,
  log: SshLog,
  { limitSeconds, isLate, offeredLine, certificates }: NotConnected,
): ConnectionError {
  const nowSeconds = Date.now() / 1000;
  const certificateNotes = certificates.flatMap(({ certificate }) => {
    const problem = certificateProblem(certificate, { user: target.user, nowSeconds });
    return problem === undefined ? [] : [`Of the certificate: ${problem}`];
  });
  const { code, ...told } = whyNotConnected({ log, limitSeconds, isLate, offeredLine, certificateNotes });
  const jump = failedJump(log, target, jumps);
  return new ConnectionError({
    what: jump === undefined ? 'Connecting' : 'Connecting to the jump host',
    where: jump ?? target.name,
    ...told,
    output: log.sentences.join('\n'),
    cause: Object.assign(new Error(told.why), { code }),
  });
}

/** Undefined where it was the target. */
function failedJump({ stages }: SshLog, target: Target, jumps: readonly string[]): string | undefined {
  const stage = stages.at(-1);
  if (stage && !stage.isIn) {
    const isTarget = stages.length > jumps.length || (stage.host === target.host && stage.port === target.port);
    return isTarget ? undefined : `${stage.user}@${stage.host}:${stage.port}`;
  }
  return jumps[stages.length];
}

/** With `ssh-key` no other key counts: ssh can't be kept from offering those that its config names afterwards. */
function judgeIdentity({ stages }: SshLog, keys: readonly Identity[], target: Target): void {
  if (keys.length === 0) return;
  const given = keys.map(({ key }) => fingerprint(key.getPublicSSH()));
  for (const { user, host, port, accepted, offered } of stages) {
    if (accepted === undefined || given.includes(accepted.fingerprint)) continue;
    throw new ConnectionError({
      what: 'Connecting',
      where: target.name,
      why: `${user}@${host}:${port} accepts none of the keys of ssh-key (${offered.length} were offered); it would accept ${oneLine(accepted.label)}, which the runner has, and which is not used because ssh-key is set.`,
      remedy: 'give the right key as ssh-key, or leave ssh-key out.',
    });
  }
}

function report(
  log: SshLog,
  { target, inputs, context }: { target: Target; inputs: ConnectionInputs; context: ActionContext },
) {
  const { accepted, hostKey } = log.stages.at(-1) ?? {};
  if (inputs['host-key-checking'] === 'insecure')
    context.log.warning(`The host key of ${target.name} was not checked (host-key-checking: insecure): ${hostKey}`);
  else
    for (const key of log.newKeys)
      context.log.warning(`New host key of ${oneLine(key)} accepted (host-key-checking: accept-new): ${hostKey}`);
  const { label = 'no key', fingerprint: print = '' } = accepted ?? {};
  const identity =
    accepted === undefined || label.includes('/') ? oneLine(label) : `${oneLine(label)}, ${print}, of the agent`;
  if (inputs['ssh-key'] === undefined)
    context.log.line(`Logged in to ${target.name} with ${identity}; ssh-key is not set.`);
}

import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ActionContext } from '../action/action.ts';
import { ConnectionError } from '../errors.ts';
import { agentKeyTypes } from './agent-key-types.ts';
import type { TransportFacts } from './choose-transport.ts';
import { ConfigError } from './config.ts';
import { configFiles, readIfThere } from './config-files.ts';
import { runnerHomes, usualFiles } from './homes.ts';
import { hopsTo } from './hops.ts';
import { type ConnectionInputs, parseHost } from './inputs.ts';
import { hasAuthority, knownTypes, lookupNames, parseKnownHosts } from './known-hosts.ts';
import { configToAsk, type Destination, questionWords, type RunnerConfig } from './openssh-arguments.ts';
import { askSsh, findSsh } from './openssh-process.ts';
import { parseSettings, type SshSettings } from './openssh-settings.ts';
import { isForSecurityKey } from './private-keys.ts';
import { readConfig } from './resolve-target.ts';
import type { Target } from './target.ts';

/** `ssh -G` runs the commands of `Match exec`. */
const QUESTION_SECONDS = 30;

/** The facts, and the SSH config of the runner that they are about. */
export type RunnerFacts = TransportFacts & { runnerConfig: RunnerConfig };

/** Finds out what the choice of the client rests on. Throws a ConnectionError for inputs and files that no client can follow. */
export async function transportFacts(inputs: ConnectionInputs, context: ActionContext): Promise<RunnerFacts> {
  const env = context.childEnvironment();
  const builtin = readWhole(inputs, context);
  const homes = runnerHomes(context.env('HOME'));
  const runnerConfig = runnerConfigOf(inputs['ssh-config'], homes);
  const [ssh, settings] = await Promise.all([
    findSsh(env),
    settingsOf(destinationOf(inputs), { runnerConfig, inputs, env }),
  ]);
  const target = builtin instanceof ConfigError ? undefined : builtin;
  const hasKey = inputs['ssh-key'] !== undefined;
  return {
    wanted: inputs.transport,
    ssh,
    settings,
    builtin,
    hasKey,
    hasCertificate: inputs['ssh-certificate'] !== undefined,
    foreignIdentities: target && !hasKey ? await foreignIdentities(target) : [],
    isKnownByAuthority: target !== undefined && isKnownByAuthority(target, inputs),
    hasTickets: context.env('KRB5CCNAME') !== undefined || existsSync(`/tmp/krb5cc_${process.getuid?.() ?? 0}`),
    runnerConfig: {
      ...runnerConfig,
      usual: { ...runnerConfig.usual, identityFiles: unlessNamed(runnerConfig, settings) },
    },
  };
}

/** As ssh does it: the usual files are for a config that names none. */
function unlessNamed({ usual }: RunnerConfig, settings: SshSettings | undefined): readonly string[] {
  const found = settings?.get('identityfile') ?? [];
  return found.some((file) => !usual.identityFiles.includes(file))
    ? []
    : usual.identityFiles.filter((file) => existsSync(file));
}

/** The target as the built-in client reads it, or why it can't follow the config of that one or of a hop on the way. */
function readWhole(inputs: ConnectionInputs, context: ActionContext): Target | ConfigError {
  const target = readConfig(inputs.host, inputs, context);
  if (target instanceof ConfigError) return target;
  try {
    hopsTo(target, inputs, context);
    return target;
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    return new ConfigError(error.fields.why.replace(/\.$/, ''), error.fields.remedy);
  }
}

export function destinationOf(inputs: ConnectionInputs): Destination {
  const written = parseHost(inputs.host);
  return {
    host: written?.host ?? inputs.host,
    user: inputs.user ?? written?.user,
    port: inputs.port ?? written?.port,
    proxyJump: inputs['proxy-jump'],
  };
}

function runnerConfigOf(given: string | undefined, homes: readonly string[]): RunnerConfig {
  const files = readable(given, homes).map(({ path }) => resolve(path));
  // What a job writes belongs to the job: ssh adds new host keys to the first file.
  return { files, usual: { ...usualFiles(homes), knownHostsFiles: usualFiles([...homes].reverse()).knownHostsFiles } };
}

/** What ssh would refuse too is an error here, as with the built-in client. */
function readable(given: string | undefined, homes: readonly string[]) {
  try {
    return configFiles(given, homes);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConnectionError({
      what: 'Reading the SSH config',
      why: `${error.message}.`,
      remedy: error.remedy ?? 'correct the config, or give another one with ssh-config.',
    });
  }
}

async function settingsOf(
  to: Destination,
  { runnerConfig, inputs, env }: { runnerConfig: RunnerConfig; inputs: ConnectionInputs; env: Record<string, string> },
): Promise<SshSettings | undefined> {
  const ask = async (config: string | undefined) => {
    const { code, out } = await askSsh(questionWords(config, to), { env, limitSeconds: QUESTION_SECONDS });
    return code === 0 ? parseSettings(out) : undefined;
  };
  if (inputs['ssh-config'] !== undefined) return ask(runnerConfig.files[0]);
  if (runnerConfig.usual.knownHostsFiles.length === 0) return ask(undefined);
  const folder = await mkdtemp(join(tmpdir(), 'ssh-'));
  try {
    await writeFile(`${folder}/config`, configToAsk(runnerConfig), { mode: 0o600 });
    return await ask(`${folder}/config`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What only OpenSSH can log in with: certificates, security keys, tokens. */
async function foreignIdentities({ notOffered, identityFiles, agent, identitiesOnly }: Target): Promise<string[]> {
  const files = identityFiles.flatMap(({ path }) => {
    if (readIfThere(`${path}-cert.pub`).length > 0) return [`${path}-cert.pub is a certificate`];
    return readIfThere(path).some(({ text }) => isForSecurityKey(text)) ? [`${path} belongs to a security key`] : [];
  });
  const held = agent === undefined || identitiesOnly ? [] : await agentKeyTypes(agent);
  return [
    ...notOffered.map((note) => note.replace(/:.*$/, ' is set')),
    ...files,
    ...(held.some((type) => type.includes('-cert-v01@')) ? ['the agent holds a certificate'] : []),
    ...(held.some((type) => type.startsWith('sk-')) ? ['the agent holds a security key'] : []),
  ];
}

function isKnownByAuthority(target: Target, inputs: ConnectionInputs): boolean {
  const given = inputs['known-hosts'];
  const texts = given === undefined ? target.knownHostsFiles.flatMap(readIfThere).map(({ text }) => text) : [given];
  const known = parseKnownHosts(texts.join('\n'));
  const names = lookupNames(target.host, target.port, target.hostKeyAlias);
  return hasAuthority(known, names) && knownTypes(known, names).length === 0;
}

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Log } from '../action/log.ts';
import { agentWith } from './agent.ts';
import type { Certified } from './given-certificates.ts';
import type { Identity } from './identities.ts';
import type { ConnectionInputs } from './inputs.ts';
import { checkingOf, FIRST_SESSION_SECONDS } from './login.ts';
import { ownConfig, type RunnerConfig } from './openssh-arguments.ts';
import type { SshVersion } from './openssh-version.ts';
import type { Target } from './target.ts';

/** What one connection has on the runner: its config, socket, known hosts and agent. Nobody but its account can read it. */
export interface OpenSshFolder extends AsyncDisposable {
  path: string;
  config: string;
  socket: string;
}

export interface FolderContent {
  target: Target;
  inputs: ConnectionInputs;
  version: SshVersion;
  runnerConfig: RunnerConfig;
  keys: readonly Identity[];
  certificates: readonly Certified[];
  /** A slow login on the host may have ended the attempt before. */
  isPatient: boolean;
  log: Log;
}

/** A socket's path can have 107 characters, of which ssh wants 17 for itself. */
const BASE_CHARACTERS_AT_MOST = 60;

/** Makes it. */
export async function openSshFolder(content: FolderContent): Promise<OpenSshFolder> {
  const isFit = tmpdir().length <= BASE_CHARACTERS_AT_MOST && !/[%"\s$]/.test(tmpdir());
  const path = await mkdtemp(join(isFit ? tmpdir() : '/tmp', 'ssh-'));
  const agent = content.keys.length > 0 ? await agentWith(content.keys, path) : undefined;
  const dispose = async () => {
    await agent?.[Symbol.asyncDispose]();
    await rm(path, { recursive: true, force: true });
  };
  try {
    await write(`${path}/config`, await configText(content, { path, agentSocket: agent?.socket }));
    return { path, config: `${path}/config`, socket: `${path}/socket`, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function configText(
  { target, inputs, version, runnerConfig, certificates, isPatient, log }: FolderContent,
  { path, agentSocket }: { path: string; agentSocket: string | undefined },
): Promise<string> {
  const checking = checkingOf(inputs, target, log);
  const known = inputs['known-hosts'];
  if (known !== undefined) await write(`${path}/known_hosts`, known.trim());
  const givenFile = known === undefined ? undefined : `${path}/known_hosts`;
  const [newKeysFile] = runnerConfig.usual.knownHostsFiles;
  if (checking === 'accept-new' && newKeysFile !== undefined)
    await mkdir(dirname(newKeysFile), { recursive: true, mode: 0o700 }).catch(() => undefined);
  const certificateFiles: string[] = [];
  for (const [index, { line }] of certificates.entries()) {
    certificateFiles.push(`${path}/${index + 1}-cert.pub`);
    await write(`${path}/${index + 1}-cert.pub`, line);
  }
  const patience = Math.ceil((inputs['connect-timeout-seconds'] ?? FIRST_SESSION_SECONDS) / target.keepaliveSeconds);
  return ownConfig({
    version,
    checking: CHECKING[checking],
    knownHostsFile: checking === 'insecure' ? '/dev/null' : givenFile,
    agentSocket,
    certificateFiles,
    connectTimeoutSeconds: inputs['connect-timeout-seconds'],
    keepaliveSeconds: inputs['keepalive-seconds'],
    keepaliveMissed: isPatient ? Math.max(patience, target.keepaliveMissed) : undefined,
    runnerConfig,
  });
}

const CHECKING = { strict: 'yes', 'accept-new': 'accept-new', insecure: 'no' } as const;

async function write(path: string, text: string): Promise<void> {
  await writeFile(path, `${text}\n`, { mode: 0o600 });
}

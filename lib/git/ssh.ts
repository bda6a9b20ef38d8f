import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Agent } from '../ssh/agent.ts';
import { configForHomes, runnerHomes } from '../ssh/homes.ts';
import { quote } from '../ssh/program.ts';

export interface SshAccess {
  key: string | undefined;
  passphrase: string | undefined;
  knownHosts: string | undefined;
  checking: 'strict' | 'accept-new' | 'insecure' | undefined;
}

/** How git's ssh is to be called: by an agent that holds the key, with the known hosts given. Gone at the end of the scope. */
export interface GitSsh extends AsyncDisposable {
  command: string;
  agentSocket: string | undefined;
}

const CONNECT_SECONDS = 15;
const KEEPALIVE_SECONDS = 5;
const KEEPALIVES_MISSED = 3;
const CHECKING = { strict: 'yes', 'accept-new': 'accept-new', insecure: 'no' };

/** An agent with the key that the input `name` holds; undefined without one. */
export async function agentFor(
  name: string,
  key: string | undefined,
  passphrase: string | undefined,
): Promise<Agent | undefined> {
  if (key === undefined) return undefined;
  // Loaded for those who use it: reading the ssh library takes as long as a request.
  const { sshAgent } = await import('../ssh/agent.ts');
  return sshAgent(name, key, passphrase);
}

/**
 * Prepares ssh for git. What is not given is as the runner's ssh has it, and below `home` where $HOME is another folder; host keys
 * are checked strictly.
 */
export async function gitSsh(
  { key, passphrase, knownHosts, checking = 'strict' }: SshAccess,
  home: string | undefined,
): Promise<GitSsh> {
  const agent = await agentFor('ssh-key', key, passphrase);
  let folder: string | undefined;
  const keep = async (name: string, text: string) => {
    folder ??= await mkdtemp(join(tmpdir(), 'known-hosts-'));
    await writeFile(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const options = [
    'BatchMode=yes',
    `StrictHostKeyChecking=${CHECKING[checking]}`,
    `ConnectTimeout=${CONNECT_SECONDS}`,
    `ServerAliveInterval=${KEEPALIVE_SECONDS}`,
    `ServerAliveCountMax=${KEEPALIVES_MISSED}`,
    // The key given, and no other that lies about.
    ...(agent ? [`IdentityAgent=${agent.socket}`, 'IdentityFile=none', 'IdentitiesOnly=no'] : []),
  ];
  if (checking === 'insecure') options.push('UserKnownHostsFile=/dev/null', 'GlobalKnownHostsFile=/dev/null');
  else if (knownHosts !== undefined) {
    const file = await keep('known_hosts', `${knownHosts.trim()}\n`);
    options.push(`UserKnownHostsFile=${file}`, 'GlobalKnownHostsFile=/dev/null');
  }
  const config = configForHomes(runnerHomes(home));
  const from = config === undefined ? [] : ['-F', quote(await keep('config', config))];
  return {
    command: ['ssh', ...from, ...options.flatMap((option) => ['-o', quote(option)])].join(' '),
    agentSocket: agent?.socket,
    [Symbol.asyncDispose]: async () => {
      await agent?.[Symbol.asyncDispose]();
      if (folder) await rm(folder, { recursive: true, force: true });
    },
  };
}

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Agent } from '../ssh/agent.ts';
import { configForHomes, runnerHomes } from '../ssh/homes.ts';
import { quote } from '../ssh/program.ts';
import type { SshLogin } from './logins.ts';

export interface SshAccess {
  /** One private key, or several, one after the other. */
  key: string | undefined;
  passphrase: string | undefined;
  knownHosts: string | undefined;
  checking: 'strict' | 'accept-new' | 'insecure' | undefined;
}

/** How git's ssh is to be called, once per key, with the known hosts given. Gone at the end of the scope. */
export interface GitSsh extends AsyncDisposable {
  logins: SshLogin[];
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

/** What the runner itself has for ssh. */
export interface RunnersSsh {
  home: string | undefined;
  agent: string | undefined;
}

/**
 * Prepares ssh for git. What is not given is as the runner's ssh has it, and below `home` where $HOME is another folder; without
 * a key the runner's agent is asked. Host keys are checked strictly.
 */
export async function gitSsh(access: SshAccess, runner: RunnersSsh): Promise<GitSsh> {
  const { key, passphrase } = access;
  const agents: Agent[] = [];
  const files = textFiles();
  const dispose = async () => {
    for (const agent of agents) await agent[Symbol.asyncDispose]();
    await files.remove();
  };
  try {
    for (const one of key === undefined ? [] : keysIn(key)) {
      const agent = await agentFor('ssh-key', one, passphrase);
      if (agent) agents.push(agent);
    }
    const config = configForHomes(runnerHomes(runner.home));
    const from = config === undefined ? [] : ['-F', quote(await files.keep('config', config))];
    const options = ['BatchMode=yes', ...timeouts(), ...(await hostKeyOptions(access, files))];
    const command = (...more: string[]) =>
      ['ssh', ...from, ...[...options, ...more].flatMap((option) => ['-o', quote(option)])].join(' ');
    const logins = agents.map(({ socket }) => ({
      // The key given, and no other that lies about.
      command: command(`IdentityAgent=${socket}`, 'IdentityFile=none', 'IdentitiesOnly=no'),
      agentSocket: socket,
    }));
    const usual = { command: command(), agentSocket: runner.agent };
    return { logins: logins.length > 0 ? logins : [usual], [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** The blocks of a text that holds several private keys; the text itself where it has no such blocks. */
export function keysIn(text: string): string[] {
  const blocks = text.match(/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z0-9 ]*PRIVATE KEY-----/g);
  return blocks && blocks.length > 1 ? blocks : [text];
}

interface TextFiles {
  keep(name: string, text: string): Promise<string>;
  remove(): Promise<void>;
}

/** Files for ssh in a folder of their own, made at the first one. */
function textFiles(): TextFiles {
  let folder: string | undefined;
  return {
    keep: async (name, text) => {
      folder ??= await mkdtemp(join(tmpdir(), 'known-hosts-'));
      await writeFile(join(folder, name), text, { mode: 0o600 });
      return join(folder, name);
    },
    remove: async () => {
      if (folder) await rm(folder, { recursive: true, force: true });
    },
  };
}

async function hostKeyOptions({ knownHosts, checking = 'strict' }: SshAccess, files: TextFiles): Promise<string[]> {
  const options = [`StrictHostKeyChecking=${CHECKING[checking]}`];
  if (checking === 'insecure') return [...options, 'UserKnownHostsFile=/dev/null', 'GlobalKnownHostsFile=/dev/null'];
  if (knownHosts === undefined) return options;
  const file = await files.keep('known_hosts', `${knownHosts.trim()}\n`);
  return [...options, `UserKnownHostsFile=${file}`, 'GlobalKnownHostsFile=/dev/null'];
}

function timeouts(): string[] {
  return [
    `ConnectTimeout=${CONNECT_SECONDS}`,
    `ServerAliveInterval=${KEEPALIVE_SECONDS}`,
    `ServerAliveCountMax=${KEEPALIVES_MISSED}`,
  ];
}

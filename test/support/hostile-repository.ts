import { existsSync } from 'node:fs';
import { expect } from 'vitest';
import { type Step, step } from './action.ts';
import { type GitServer, gitServer } from './git-server.ts';
import { forged, logText, PLATFORM_ENV, type PlatformName } from './platforms.ts';

/** Above what an honest repository takes on a busy machine; no case waits for a time limit of git's. */
const MOST_SECONDS = 30;

/** What somebody would have a runner, a forge or a terminal carry out. */
export const COMMANDS = ['::set-env name=A::b', '::add-path::/x', '##[add-path]/x'];

/** What a commit message must not have in it, whatever a repository says. */
const UNCLEAN = [
  /\[(skip ci|ci skip|no ci|skip actions|actions skip)\]/i,
  /\*\*\*NO_CI\*\*\*/i,
  /#\d/,
  /!\d/,
  /@\w/,
  /GH-\d/i,
  /https?:\/\//,
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/,
  /^skip-checks:/im,
  /^\s*::/m,
];

interface Given {
  inputs?: Record<string, string | boolean>;
  env?: Record<string, string>;
  /** Whose runner it is; Forgejo's unless a test says otherwise. */
  platform?: PlatformName;
}

/** A bump of `botserver`, after which no command has run and the log has no workflow command of the repository's. */
export async function bump(
  server: GitServer,
  { inputs = {}, env = {}, platform = 'forgejo' }: Given = {},
): Promise<Step> {
  const startedAt = performance.now();
  const ended = await step('submodule-bump', {
    inputs: {
      repository: 'team/gb',
      submodule: 'botserver',
      commit: 'main',
      token: 'user-token-0123456789',
      ...inputs,
    },
    env: {
      GITHUB_SERVER_URL: server.url,
      GITHUB_REPOSITORY: 'team/botserver',
      ...PLATFORM_ENV[platform],
      ...env,
    },
  });
  const seconds = (performance.now() - startedAt) / 1000;
  expect(existsSync(canaryOf(server)), `a command ran:\n${ended.log}`).toBe(false);
  expect(forged(ended, platform), ended.log).toEqual([]);
  for (const value of Object.values(ended.outputs)) expect(value).not.toMatch(/^\s*::/m);
  expect(seconds).toBeLessThan(MOST_SECONDS);
  return ended;
}

export function canaryOf({ folder }: GitServer): string {
  return `${folder}/canary`;
}

function tipOf(server: GitServer, branch = 'main'): string {
  return server.git('team/gb', 'rev-parse', `refs/heads/${branch}`);
}

export async function expectRed(server: GitServer, given: Given, why: string): Promise<Step> {
  const before = tipOf(server);
  const red = await bump(server, given);
  expect(red.code, red.log).toBe(1);
  const text = logText(red, given.platform ?? 'forgejo');
  expect(text).toContain(why);
  expect(text).toMatch(/^ {2}do: +\S/m);
  expect(red.outputs).toMatchObject({ changed: 'false', result: '' });
  expect(tipOf(server)).toBe(before);
  return red;
}

export async function expectGreen(server: GitServer, given: Given = {}, branch = 'main'): Promise<string> {
  const before = tipOf(server, branch);
  const { code, log, outputs } = await bump(server, given);
  expect(code, log).toBe(0);
  expect(outputs.result).toBe('pushed');
  const message = server.git('team/gb', 'log', '-1', '--format=%B', `refs/heads/${branch}`);
  for (const pattern of UNCLEAN) expect(message).not.toMatch(pattern);
  expect(message.match(/^Submodule-To: /gm)).toHaveLength(1);
  expect(message.length).toBeLessThan(5000);
  expect(server.git('team/gb', 'rev-list', '--count', `${before}..refs/heads/${branch}`)).toBe('1');
  return message;
}

/** A value as git's configuration has it. */
export function quoted(value: string): string {
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}

export function entry({ name = 'botserver', path = 'botserver', url = '../botserver.git', more = '' }): string {
  return `[submodule ${quoted(name)}]\n\tpath = ${quoted(path)}\n\turl = ${quoted(url)}\n${more}`;
}

/** A root whose .gitmodules is this text, with a gitlink at each of these paths, and a newer commit to move to. */
export async function rootWith(
  modules: string | ((server: GitServer) => string),
  paths = ['botserver'],
): Promise<GitServer> {
  const server = await gitServer();
  server.makeRoot('gb', ['botserver']);
  const first = server.git('team/botserver', 'rev-parse', 'main');
  const text = typeof modules === 'string' ? modules : modules(server);
  const links = Object.fromEntries(paths.map((path) => [path, `gitlink ${first}`]));
  server.commit('team/gb', { files: { '.gitmodules': text, ...links } });
  server.commit('team/botserver', { subject: 'newer' });
  return server;
}

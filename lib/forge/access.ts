import type { ActionContext } from '../action/action.ts';
import { parseRemote, type Remote } from '../git/url.ts';
import type { ForgeAccess, ForgeKind } from './client.ts';

const OWNER_AND_NAME = /^(?!\.{1,2}\/)[\w.-]+\/(?!\.{1,2}$)[\w.-]+$/;

/** Whether it names a repository on the server of the run. */
export function isOwnerAndName(repository: string): boolean {
  return OWNER_AND_NAME.test(repository);
}

/** The token that the forge gives each run; GitHub exports none. */
export function automaticToken({ env }: ActionContext): string | undefined {
  return env('FORGEJO_TOKEN') ?? env('GITEA_TOKEN') ?? env('GITHUB_TOKEN');
}

/** The server a run belongs to. */
export interface OwnServer {
  serverUrl: string;
  apiUrl: string;
  platform: ForgeKind;
}

/** Where the API of the repository at `url` is; undefined for a URL that tells no forge (a file, ssh to another host). */
export function apiOf(url: string, own: OwnServer): Omit<ForgeAccess, 'token' | 'onRetry'> | undefined {
  const remote = parseRemote(url);
  if (!remote) return undefined;
  const repository = remote.path.split('/').slice(-2).join('/');
  if (isOn(remote, own.serverUrl)) return { apiUrl: own.apiUrl, repository, kind: own.platform };
  if (remote.kind !== 'http') return undefined;
  if (remote.host === 'https://github.com') return { apiUrl: 'https://api.github.com', repository, kind: 'github' };
  const before = remote.path.split('/').slice(0, -2);
  return { apiUrl: [remote.host, ...before, 'api/v1'].join('/'), repository, kind: 'forgejo' };
}

/** Another port of the same name is another server, but for ssh, whose port says nothing about the forge's. */
function isOn({ kind, host }: Remote, serverUrl: string): boolean {
  if (!URL.canParse(serverUrl)) return false;
  const server = new URL(serverUrl);
  if (kind === 'http') return host === server.origin;
  return kind === 'ssh' && host.replace(/:\d+$/, '').toLowerCase() === server.hostname;
}

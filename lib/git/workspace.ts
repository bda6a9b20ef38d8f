import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Credentials, type Git, gitOpener } from './git.ts';

/** Bare repositories in a folder of their own. At the end of the scope what still runs is ended, then the folder is gone. */
export interface Workspace extends AsyncDisposable {
  /** git in a new empty folder, for a clone of `remote`. */
  room(remote: string): Promise<Git>;
  /** A new empty repository. */
  open(format: 'sha1' | 'sha256'): Promise<Git>;
}

/** Makes the folder below `parent` (the runner's own temporary folder), readable by this account only. */
export async function workspace(
  parent: string | undefined,
  path: string,
  credentials: Credentials,
): Promise<Workspace> {
  const folder = await mkdtemp(join(parent ?? tmpdir(), 'submodule-bump-'));
  const running = new Set<Promise<unknown>>();
  const closing = new AbortController();
  credentials.signal?.addEventListener('abort', () => closing.abort(), { once: true });
  const openGit = gitOpener(path, { ...credentials, signal: closing.signal });
  let rooms = 0;
  const room = async (remote?: string): Promise<Git> => {
    rooms += 1;
    const place = join(folder, String(rooms));
    await mkdir(place);
    const git = openGit(place, remote);
    return (args, options) => {
      const call = git(args, options);
      running.add(call);
      return call.finally(() => running.delete(call));
    };
  };
  return {
    room,
    open: async (format) => {
      const git = await room();
      await git(['init', '--quiet', '--bare', '--template=', `--object-format=${format}`]);
      return git;
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await Promise.all(running);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

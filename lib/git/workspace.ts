import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Credentials, type Git, openGit } from './git.ts';

/** Bare repositories in a folder of their own, gone at the end of the scope. */
export interface Workspace extends AsyncDisposable {
  /** git in a new empty folder, for a clone. */
  room(): Promise<Git>;
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
  let rooms = 0;
  const room = async () => {
    rooms += 1;
    const place = join(folder, String(rooms));
    await mkdir(place);
    return openGit(place, path, credentials);
  };
  return {
    room,
    open: async (format) => {
      const git = await room();
      await git(['init', '--quiet', '--bare', '--template=', `--object-format=${format}`]);
      return git;
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

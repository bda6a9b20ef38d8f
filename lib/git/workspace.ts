import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Credentials, type Git, openGit } from './git.ts';

/** Bare repositories in a folder of their own, gone at the end of the scope. */
export interface Workspace extends AsyncDisposable {
  /** An empty bare repository; `sha256` for one of that object format. */
  open(name: string, format: 'sha1' | 'sha256'): Promise<Git>;
}

/** Makes the folder below `parent` (the runner's own temporary folder), readable by this account only. */
export async function workspace(
  parent: string | undefined,
  path: string,
  credentials: Credentials,
): Promise<Workspace> {
  const folder = await mkdtemp(join(parent ?? tmpdir(), 'submodule-bump-'));
  const opened = new Map<string, Promise<Git>>();
  return {
    open: (name, format) => {
      const known = opened.get(name);
      if (known) return known;
      const opening = (async () => {
        const git = openGit(join(folder, name), path, credentials);
        await git(['init', '--quiet', '--bare', `--object-format=${format}`, join(folder, name)]);
        return git;
      })();
      opened.set(name, opening);
      return opening;
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

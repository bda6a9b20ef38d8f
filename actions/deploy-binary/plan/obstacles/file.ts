import type { DeployInputs } from '../../inputs.ts';
import type { Found } from '../../inspect/found.ts';
import type { Obstacle } from '../obstacle.ts';

export function fileObstacles(inputs: DeployInputs, found: Found): Obstacle[] {
  const list: Obstacle[] = [];
  if (found.folderRefused) {
    list.push({
      why: `${found.folderRefused}.`,
      remedy: `create ${inputs.folder} with the intended owner, or correct \`destination\`.`,
    });
  }
  if (found.fileProblem) {
    list.push({
      why: `${found.fileProblem}.`,
      remedy: 'set `destination` to the regular file itself, and make it readable by this account.',
    });
  }
  if (!found.folder) return list;
  const { path, owner, mode, mount, options } = found.folder;
  if (options.includes('ro')) {
    list.push({
      why: `${mount} is mounted read-only.`,
      remedy: `remount ${mount} read-write; if it became read-only on its own, check its disk.`,
    });
  } else if (!found.folder.writable && found.sudoError === undefined) {
    list.push({
      why: `${found.login} can't write to ${path} (${owner}, ${mode}).`,
      remedy: 'allow sudo, or log in as an account that may write there.',
    });
  }
  if (options.includes('noexec')) {
    list.push({
      why: `${mount} is mounted noexec, so nothing in ${path} can be started.`,
      remedy: 'choose a destination on another file system.',
    });
  }
  for (const what of found.immutable) {
    list.push({
      why: `the ${what === 'file' ? 'file' : `folder ${path}`} is immutable or append-only.`,
      remedy: `run \`chattr -i -a ${what === 'file' ? inputs.destination : path}\` on the target, if this was not intended.`,
    });
  }
  return list;
}

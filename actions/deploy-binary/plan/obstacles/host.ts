import type { DeployInputs } from '../../inputs.ts';
import type { Found } from '../../inspect/found.ts';
import type { Obstacle } from '../obstacle.ts';

export function hostObstacles({ destination }: Pick<DeployInputs, 'destination'>, found: Found): Obstacle[] {
  const [, folder = '', name = ''] = /^(.*)\/([^/]+)\/?$/.exec(destination) ?? [];
  const state = `${folder}/.${name}.deploy`;
  const list: Obstacle[] = [];
  if (!found.tools.has('/proc')) {
    list.push({
      why: 'the target has no `/proc`, so its processes cannot be seen.',
      remedy: 'mount it on the target: `mount -t proc proc /proc`.',
    });
  }
  for (const tool of ['flock', 'setsid', 'sha256sum', 'stat', 'timeout']) {
    if (!found.tools.has(tool)) {
      list.push({
        why: `the target has no \`${tool}\`.`,
        remedy: 'install util-linux and coreutils, or busybox, on the target.',
      });
    }
  }
  if (found.toyboxTimeout) {
    list.push({
      why: 'the `timeout` of the target is the one of toybox, which often fails to run its command.',
      remedy: 'install coreutils there, or busybox.',
    });
  }
  if (found.sudoError !== undefined) {
    const allow = found.sudoRemedy || `give ${found.login} passwordless sudo on the target`;
    list.push({
      why: `root is needed, because ${found.needsRoot}, and ${found.sudoError}`,
      remedy: found.unitRemedy
        ? `${allow}; or, to allow no more than a restart of the unit, ${found.unitRemedy}.`
        : `${allow}; or log in as the account that owns the file.`,
    });
  }
  for (const { command, remedy } of found.commandsRefused) {
    list.push({
      why: `${found.login} may not run \`${command}\` by sudo.`,
      remedy: `${remedy}.`,
    });
  }
  if (found.stateRefused) {
    list.push({
      why: `${found.stateRefused}.`,
      remedy: `deploy with the account that owns it; or, where a recursive chown of ${folder} caused this, run \`mv ${state} ${state}.old\` on the target (its kept releases go with it).`,
    });
  }
  return list;
}

export function restless({ unfinished }: Pick<Found, 'unfinished'>, times: number): Obstacle {
  return {
    why: unfinished
      ? `an earlier deploy (${unfinished.run}) is unfinished, and recovering it failed.`
      : `the target changed each of the ${times} times it was inspected, before the lock was held.`,
    remedy: 'find out what else changes the file or its state folder, and check the disk; then re-run the job.',
  };
}

export function otherKernel(kernel: string): Obstacle {
  return {
    why: `the target runs ${kernel}; only Linux is supported.`,
    remedy: 'deploy to a Linux target: processes are identified through its `/proc`.',
  };
}

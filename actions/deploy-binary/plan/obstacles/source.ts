import { runsOn } from '../../../../lib/elf.ts';
import type { Source } from '../../../../lib/source.ts';
import type { DeployInputs } from '../../inputs.ts';
import type { Found } from '../../inspect/found.ts';
import type { Obstacle } from '../obstacle.ts';
import type { Restart } from '../plan.ts';

export function sourceObstacles(
  { health }: DeployInputs,
  found: Found,
  { source, restart }: { source: Source | undefined; restart: Restart },
): Obstacle[] {
  const list: Obstacle[] = [];
  if (!source) return list;
  if (!source.elf) {
    if (restart === 'process') {
      list.push({
        why: `${source.path} is not an ELF binary, so the process that runs it can't be identified.`,
        remedy: 'deploy the compiled binary; for a script use `restart: systemd`, `command` or `none`.',
      });
    } else if (restart === 'command' && (health.port !== undefined || !(health.url || health.command))) {
      list.push({
        why: `${source.path} is not an ELF binary, so its process and port cannot be identified after the start command.`,
        remedy: 'set `health-url` or `health-command`, and leave out `health-port`.',
      });
    }
    return list;
  }
  if (!runsOn(source.elf, found.machine)) {
    list.push({
      why: `${source.path} is built for ${source.elf.machine}, but the target is ${found.machine}.`,
      remedy: 'build for the target, or correct `host`.',
    });
  } else if (source.elf.interpreter && !found.interpreterExists) {
    list.push({
      why: `${source.path} needs the loader ${source.elf.interpreter}, which the target does not have.`,
      remedy: /musl/.test(source.elf.interpreter)
        ? 'build it for glibc, or link it statically.'
        : 'build it for the C library of the target (musl?), or link it statically.',
    });
  }
  return list;
}

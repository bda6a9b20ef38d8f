import type { DeployInputs } from '../../inputs.ts';
import type { Found, FoundProcess } from '../../inspect/found.ts';
import { isJob } from '../../inspect/unit-found.ts';
import type { Obstacle } from '../obstacle.ts';
import type { Plan, Restart } from '../plan.ts';

/** What runs the file now must be what this step can start again as it was. */
export function processObstacles(
  inputs: DeployInputs,
  found: Found,
  { restart, runAs }: Pick<Plan, 'restart' | 'runAs'>,
) {
  const list: Obstacle[] = [];
  if (found.contained) {
    list.push({
      why: `pid ${found.contained} runs the file inside a container.`,
      remedy: 'deploy into the container (input `container`), or stop it first.',
    });
  }
  if (found.isMountPoint) {
    list.push({
      why: `something is mounted at ${inputs.destination}, so it can't be replaced by a rename.`,
      remedy: 'deploy to the path of the file that is mounted there.',
    });
  }
  if (found.otherNames > 0 && !inputs.force) {
    list.push({
      why: `${inputs.destination} has ${found.otherNames} other name${found.otherNames > 1 ? 's' : ''} (hard links), so what runs it may belong to something else.`,
      remedy: 'replace it with a separate copy, or set `force: true` to stop every process that executes the file.',
    });
  }
  if (restart === 'none') return list;
  const [sibling] = found.siblings;
  if (sibling && !inputs.force) {
    list.push({
      why: `pid ${sibling.pid} has the name of the file, but executes ${sibling.path}: the previous version may have been moved away by hand.`,
      remedy: 'stop it if it is the previous version, or set `force: true` if it is another program.',
    });
  }
  if (found.maybe && !found.unseen && !inputs.force) {
    list.push({
      why: `no process is seen to run the file, but ${found.login} can't inspect pid ${found.maybe}, which has its name.`,
      remedy:
        'allow sudo, or log in as the account that runs the program, or set `force: true` if it is another program.',
    });
  }
  if (restart !== 'process') return list;
  const instances = found.processes.filter(({ uid, worker }) => uid === found.runUid && !worker);
  const others = [...found.processes, ...found.strangers].filter(({ uid }) => uid !== found.runUid);
  const [other] = others;
  if (instances.length === 0 && other && inputs.runAs === undefined) {
    list.push({
      why: `pid ${other.pid} runs the file as ${other.user}, but this step would start it as ${runAs}.`,
      remedy: `set \`run-as\` to the account that the program is to run as: ${runAs} or ${other.user}.`,
    });
  }
  if (instances.length > 1) {
    list.push({
      why: `${instances.length} separate instances run the file (${pids(instances)}), and this step starts only one.`,
      remedy: 'use a systemd unit for each, or `restart: command` with a `start-command` that starts them all.',
    });
  }
  return list;
}

export function restartObstacles(found: Found, { restart }: { restart: Restart }): Obstacle[] {
  const list: Obstacle[] = [];
  const jobs = found.units.filter(isJob).flatMap((unit) => unit.pids);
  const others = found.processes.filter(({ pid }) => !jobs.includes(pid));
  if (restart === 'none' && others.length > 0) {
    list.push({
      why: `restart is none, but ${pids(others)} runs the file.`,
      remedy: 'stop it first, or set `restart: auto` so that this step restarts it.',
    });
  }
  if (found.unseen && found.sudoError === undefined) {
    list.push({
      why: `${found.login} may not inspect pid ${found.unseen}, which may be running the file.`,
      remedy: found.asRoot
        ? 'start the container with `--cap-add SYS_PTRACE`; without it, its root may not inspect other processes.'
        : 'log in as root or as its account, or allow sudo.',
    });
  }
  if (found.sessionKills && !found.asRoot && !found.lingers && restart !== 'systemd') {
    list.push({
      why: `logind on the target kills everything that ${found.login} started when the connection closes (KillUserProcesses=yes).`,
      remedy: `run \`loginctl enable-linger ${found.login}\` on the target once.`,
    });
  }
  return list;
}

export function pids(processes: readonly FoundProcess[]): string {
  return `pid ${processes.map(({ pid }) => pid).join(', ')}`;
}

import { runsOn } from '../../lib/elf.ts';
import { shownUrl } from '../../lib/secrets.ts';
import type { Source } from '../../lib/source.ts';
import { megabytes, sameCapabilities, short } from '../../lib/values.ts';
import type { DeployInputs } from './inputs.ts';
import type { Found, FoundProcess } from './inspect.ts';
import { planUnits, type UnitPlan } from './plan-units.ts';
import { isJob } from './unit-found.ts';
import { unitDifference, unitStarts, unitStops } from './unit-steps.ts';

/** One thing that will be done, and why. */
export interface Step {
  does: string;
  because: string;
}

/** A reason not to begin, and the one thing to do about it. */
export interface Obstacle {
  why: string;
  remedy: string;
}

export type Restart = 'process' | 'systemd' | 'command' | 'none';

/** What the file at the destination is to be, and where its bytes come from. */
export interface NewFile {
  from: 'upload' | 'release' | 'a copy of it' | 'in place already';
  sha256: string;
  bytes: number;
}

export interface Plan {
  kind: 'unchanged' | 'deploy' | 'refused';
  obstacles: Obstacle[];
  steps: Step[];
  file: NewFile;
  owner: string;
  /** The same as `uid:gid`, or `uid` where no account has that number. */
  ownerIds: string;
  /** Whether it is the account that owns the present file, whose ACL, capabilities and set-ID bits may then pass on. */
  sameOwner: boolean;
  mode: string;
  restart: Restart;
  units: UnitPlan;
  runAs: string;
}

/** What the workflow run says of itself, for the guard against older builds. */
export interface Build {
  workflow: string;
  number: number;
}

/** Pure: inputs and what was found give what will be done, with a reason per step, or every obstacle at once. */
export function planDeploy(
  inputs: DeployInputs,
  found: Found,
  { source, build }: { source: Source | undefined; build: Build },
): Plan {
  const release = inputs.rollbackTo ? findRelease(inputs.rollbackTo, found) : undefined;
  const owner = found.wantedOwner ?? found.file?.owner ?? found.login;
  const runAs = found.wantedRunAs ?? (owner.split(':')[0] || found.login);
  const units = planUnits(inputs, found, runAs);
  const { restart, because } = chooseRestart(inputs, units);
  const ownerIds = found.wantedIds ?? found.file?.ids ?? found.loginIds;
  const plan: Omit<Plan, 'kind' | 'obstacles' | 'steps'> = {
    file: { from: 'upload', sha256: '', bytes: 0 },
    owner,
    ownerIds,
    sameOwner: found.file !== undefined && userOf(ownerIds) === userOf(found.file.ids),
    mode: inputs.mode ?? carriedMode(found.file, ownerIds),
    restart,
    units,
    runAs,
  };
  plan.file = newFile(found, source, { release: release?.sha256, looksRight: !metadataDiffers(inputs, found, plan) });
  const obstacles = [
    ...hostObstacles(found),
    ...sourceObstacles(inputs, found, { source, restart }),
    ...fileObstacles(inputs, found),
    ...roomObstacles(inputs, found, plan.file),
    ...inodeObstacles(found),
    ...accountObstacles(found, plan),
    ...processObstacles(inputs, found, plan),
    ...restartObstacles(found, plan),
    ...units.obstacles,
    ...startObstacles(inputs, found, plan),
    ...healthObstacles(inputs, found),
    ...releaseObstacles(inputs, found, release),
    ...orderObstacles(inputs, found, build),
  ];
  if (obstacles.length > 0) return { ...plan, kind: 'refused', obstacles, steps: [] };
  const difference = whatDiffers(inputs, found, plan);
  if (!difference) return { ...plan, kind: 'unchanged', obstacles, steps: [] };
  return { ...plan, kind: 'deploy', obstacles, steps: steps(inputs, found, { plan, difference, because }) };
}

/**
 * The present file's mode. Its set-ID bits would lend the new owner or group to whoever set them for another; and where it has an
 * ACL, the bits of the group are those of everybody in it.
 */
function carriedMode(file: Found['file'], ownerIds: string): string {
  if (!file) return '0755';
  const [uid, gid] = file.ids.split(':');
  const [newUid, newGid] = ownerIds.split(':');
  const dropped = uid === newUid ? (newGid === undefined || gid === newGid ? 0 : 0o2000) : 0o6022;
  return (Number.parseInt(file.mode, 8) & ~dropped).toString(8).padStart(4, '0');
}

function userOf(ids: string): string | undefined {
  return ids.split(':')[0];
}

function newFile(
  found: Found,
  source: Source | undefined,
  { release, looksRight }: { release: string | undefined; looksRight: boolean },
): NewFile {
  const sha256 = source?.sha256 ?? release ?? '';
  const bytes = source?.bytes ?? 0;
  if (found.file?.sha256 !== sha256) return { from: source ? 'upload' : 'release', sha256, bytes };
  return { from: looksRight ? 'in place already' : 'a copy of it', sha256, bytes: found.file.bytes };
}

function findRelease(wanted: string, found: Found): { sha256: string } | undefined {
  if (wanted === 'previous') return found.releases[0];
  const matches = found.releases.filter(({ sha256 }) => sha256.startsWith(wanted));
  if (matches.length === 0 && found.file?.sha256.startsWith(wanted)) return { sha256: found.file.sha256 };
  return matches.length === 1 ? matches[0] : undefined;
}

function chooseRestart(inputs: DeployInputs, units: UnitPlan): { restart: Restart; because: string } {
  if (inputs.service || units.unit) return { restart: 'systemd', because: units.because };
  if (inputs.restart === 'auto') return { restart: 'process', because: 'no unit manages the program' };
  return { restart: inputs.restart, because: `restart is ${inputs.restart}` };
}

function hostObstacles(found: Found): Obstacle[] {
  const list: Obstacle[] = [];
  if (!found.tools.has('/proc')) {
    list.push({
      why: 'the target has no `/proc`, so what runs there can not be seen.',
      remedy: 'mount it there: `mount -t proc proc /proc`.',
    });
  }
  for (const tool of ['flock', 'setsid', 'sha256sum', 'stat', 'timeout']) {
    if (!found.tools.has(tool)) {
      list.push({
        why: `the target has no \`${tool}\`.`,
        remedy: 'install util-linux and coreutils there, or busybox.',
      });
    }
  }
  if (found.sudoError !== undefined) {
    list.push({
      why: `root is needed, because ${found.needsRoot}, and ${found.sudoError}`,
      remedy: `${found.sudoRemedy || `allow ${found.login} to use sudo without a password there`}; or log in as the account that owns the file.`,
    });
  }
  if (found.stateRefused) {
    list.push({
      why: `${found.stateRefused}.`,
      remedy: 'deploy with the account that owns it, or move it away (its kept releases go with it).',
    });
  }
  return list;
}

function sourceObstacles(
  { health }: DeployInputs,
  found: Found,
  { source, restart }: { source: Source | undefined; restart: Restart },
): Obstacle[] {
  const list: Obstacle[] = [];
  if (!source) return list;
  if (!source.elf) {
    if (restart === 'process') {
      list.push({
        why: `${source.path} is no ELF program, so the process that runs it can't be found by what it executes.`,
        remedy: 'ship the compiled binary; for a script use restart: systemd, command or none.',
      });
    } else if (restart === 'command' && (health.port !== undefined || !(health.url || health.command))) {
      list.push({
        why: `${source.path} is no ELF program, so neither its process nor whose port it is can be told after the start command.`,
        remedy: 'set health-url or health-command, and no health-port.',
      });
    }
    return list;
  }
  if (!runsOn(source.elf, found.machine)) {
    list.push({
      why: `${source.path} is built for ${source.elf.machine}, the target is ${found.machine}.`,
      remedy: 'build for the target, or correct host.',
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

function fileObstacles(inputs: DeployInputs, found: Found): Obstacle[] {
  const list: Obstacle[] = [];
  if (found.folderRefused) {
    list.push({
      why: `${found.folderRefused}.`,
      remedy: `create the folder ${inputs.folder} with the owner it is to have, or correct destination.`,
    });
  }
  if (found.fileProblem) {
    list.push({
      why: `${found.fileProblem}.`,
      remedy: 'name the regular file itself as destination, readable to this account.',
    });
  }
  if (!found.folder) return list;
  const { path, owner, mode, mount, options } = found.folder;
  if (options.includes('ro')) {
    list.push({
      why: `${mount} is mounted read-only.`,
      remedy: `remount ${mount} read-write; if it became read-only by itself, check its disk.`,
    });
  } else if (!found.folder.writable && found.sudoError === undefined) {
    list.push({
      why: `${found.login} can't write to ${path} (${owner}, ${mode}).`,
      remedy: 'allow sudo, or log in as an account that may.',
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
      remedy: `run \`chattr -i -a ${what === 'file' ? inputs.destination : path}\` there if that was not meant.`,
    });
  }
  return list;
}

function roomObstacles({ strategy }: DeployInputs, found: Found, file: NewFile): Obstacle[] {
  if (file.from !== 'upload' || !found.folder) return [];
  // In place, the old one is kept compressed: a third of it is a cautious guess for programs.
  const needed = strategy === 'staged' ? file.bytes : file.bytes - (found.file?.bytes ?? 0) * (1 - 1 / 3);
  if (needed + RESERVE_BYTES <= found.freeBytes) return [];
  return [
    {
      why: `${megabytes(file.bytes)} are to be written, ${megabytes(found.freeBytes)} are free on ${found.folder.mount}.`,
      remedy: strategy === 'staged' ? 'free some room there, or use strategy: in-place.' : 'free some room there.',
    },
  ];
}

const RESERVE_BYTES = 1_000_000;

/** For the new file, the kept one, the journal and what else a transaction writes. */
function inodeObstacles({ folder, freeInodes }: Found): Obstacle[] {
  if (!folder || freeInodes === undefined || freeInodes >= NEEDED_INODES) return [];
  return [
    {
      why: `${NEEDED_INODES} inodes are needed, ${freeInodes} are free on ${folder.mount}.`,
      remedy: 'remove some files there, whatever their size.',
    },
  ];
}

const NEEDED_INODES = 20;

function accountObstacles(found: Found, plan: Pick<Plan, 'owner' | 'restart' | 'runAs'>): Obstacle[] {
  const list = found.missingUsers.map((user) => ({
    why: `there is no user ${user} on the target.`,
    remedy: `create it there, or correct owner and run-as.`,
  }));
  if (found.missingGroup) {
    list.push({
      why: `there is no group ${found.missingGroup} on the target.`,
      remedy: 'create it there, or correct owner.',
    });
  }
  if (plan.restart !== 'process' || list.length > 0) return list;
  const mayStart = found.asRoot || plan.runAs === found.login;
  if (!mayStart && found.sudoError === undefined) {
    list.push({
      why: `${found.login} can't start a program as ${plan.runAs}.`,
      remedy: 'allow sudo, or log in as that account.',
    });
  }
  if (plan.runAs === 'root' && found.folder && !['root', '0'].includes(found.folder.owner)) {
    list.push({
      why: `root would execute a file from ${found.folder.path}, where ${found.folder.owner} can put another one.`,
      remedy: 'set run-as to the service account, or give the folder to root.',
    });
  }
  return list;
}

/** What runs the file now must be what this step can start again as it was. */
function processObstacles(inputs: DeployInputs, found: Found, { restart, runAs }: Pick<Plan, 'restart' | 'runAs'>) {
  const list: Obstacle[] = [];
  if (found.contained) {
    list.push({
      why: `pid ${found.contained} runs the file inside of a container.`,
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
      remedy: 'put a copy of its own there, or set `force: true` to stop whatever executes the file.',
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

function restartObstacles(found: Found, { restart }: { restart: Restart }): Obstacle[] {
  const list: Obstacle[] = [];
  const jobs = found.units.filter(isJob).flatMap((unit) => unit.pids);
  const others = found.processes.filter(({ pid }) => !jobs.includes(pid));
  if (restart === 'none' && others.length > 0) {
    list.push({
      why: `restart is none, but ${pids(others)} runs the file.`,
      remedy: 'stop it first, or let this step restart it: restart: auto.',
    });
  }
  if (found.unseen && found.sudoError === undefined) {
    list.push({
      why: `pid ${found.unseen} may run the file, but ${found.login} can't see what it executes.`,
      remedy: found.asRoot
        ? 'start the container with --cap-add SYS_PTRACE: its root may not look into other processes.'
        : 'log in as root or as its account, or allow sudo.',
    });
  }
  if (found.sessionKills && !found.asRoot && !found.lingers && restart !== 'systemd') {
    list.push({
      why: `logind there ends everything that ${found.login} started when the connection closes (KillUserProcesses=yes).`,
      remedy: `run \`loginctl enable-linger ${found.login}\` there once.`,
    });
  }
  return list;
}

/** Seen with the rights of the program's account: without them nothing is known. */
function startObstacles(
  inputs: DeployInputs,
  found: Found,
  { restart, runAs }: Pick<Plan, 'restart' | 'runAs'>,
): Obstacle[] {
  const asked = found.missingUsers.length === 0 && (found.asRoot || runAs === found.login);
  if (restart !== 'process' || !asked) return [];
  const list: Obstacle[] = [];
  if (found.logProblem)
    list.push({
      why: `${found.logProblem}.`,
      remedy: 'create it as a regular file with the right owner, or correct log-file.',
    });
  if (found.directoryClosed)
    list.push({
      why: `the working directory ${inputs.workingDirectory ?? inputs.folder} is not there for ${runAs}.`,
      remedy: 'create it, let that account in, or correct working-directory.',
    });
  return list;
}

function healthObstacles({ health }: DeployInputs, found: Found): Obstacle[] {
  const list: Obstacle[] = [];
  if (health.url && found.httpClient === '') {
    list.push({
      why: `nothing on the target can ask ${shownUrl(health.url)}.`,
      remedy: 'install curl there, or use health-port or health-command.',
    });
  }
  if (health.url && found.healthUntrusted !== undefined) {
    list.push({
      why: `the target does not trust the certificate of ${health.url}: ${found.healthUntrusted}`,
      remedy: 'use an http URL of the program itself, or add the certificate to the trusted ones on the target.',
    });
  }
  if (found.portHolder) {
    list.push({
      why: `port ${health.port} is held by another process (pid ${found.portHolder}), which does not run the file.`,
      remedy: 'stop that process, or correct health-port.',
    });
  }
  return list;
}

function releaseObstacles(
  { rollbackTo }: DeployInputs,
  found: Found,
  release: { sha256: string } | undefined,
): Obstacle[] {
  if (!rollbackTo || release) return [];
  const kept = found.releases.map(({ sha256 }) => sha256.slice(0, 12)).join(', ') || 'none';
  const ambiguous = found.releases.filter(({ sha256 }) => sha256.startsWith(rollbackTo)).length > 1;
  return [
    {
      why: `${ambiguous ? 'more than one kept release begins with' : 'no kept release is'} ${rollbackTo}; kept are: ${kept}.`,
      remedy: 'choose one of those, or deploy the version from its source.',
    },
  ];
}

function orderObstacles({ allowOlder, rollbackTo }: DeployInputs, { live }: Found, build: Build): Obstacle[] {
  if (allowOlder || rollbackTo || !live || live.workflow !== build.workflow || live.runNumber <= build.number)
    return [];
  return [
    {
      why: `run ${live.runNumber} of this workflow is deployed already (${live.run}); this is the older run ${build.number}.`,
      remedy: 'nothing, if the newer build is meant to stay; else set allow-older: true.',
    },
  ];
}

/** Why a deploy is needed; undefined when everything is so already. */
function whatDiffers(
  inputs: DeployInputs,
  found: Found,
  plan: Omit<Plan, 'kind' | 'obstacles' | 'steps'>,
): string | undefined {
  const { file, processes } = found;
  if (!file) return 'there is no such file yet';
  if (plan.file.from === 'upload' || plan.file.from === 'release') return 'its sha256 differs';
  if (inputs.force) return 'force is set';
  const metadata = metadataDiffers(inputs, found, plan);
  if (metadata) return metadata;
  if (plan.restart === 'none') return undefined;
  if (plan.restart === 'systemd') {
    const difference = unitDifference(plan.units, found);
    if (difference) return difference;
  } else if (processes.length === 0) return 'no process runs it';
  const left = plan.units.left.flatMap((unit) => unit.pids);
  const stale = processes.find(({ pid, live }) => !live && !left.includes(pid));
  if (stale) return `pid ${stale.pid} still runs an older image of it`;
  if (plan.restart === 'process') {
    const foreign = processes.find(({ uid }) => uid !== found.runUid);
    if (foreign) return `pid ${foreign.pid} runs as ${foreign.user}, not ${plan.runAs}`;
    const other = processes.find(({ same }) => same !== 'yes');
    if (other)
      return `pid ${other.pid} was started with ${other.same === 'folder' ? 'another working directory' : `other ${other.same}`}`;
  }
  const asked = inputs.health.url ?? inputs.health.port ?? inputs.health.command;
  return asked !== undefined && found.health !== 'ok' ? `it is not healthy: ${found.health}` : undefined;
}

function metadataDiffers(
  inputs: DeployInputs,
  { file }: Found,
  plan: Pick<Plan, 'owner' | 'ownerIds' | 'sameOwner' | 'mode'>,
): string | undefined {
  if (!file) return undefined;
  // `user` alone asks for nothing of the group.
  const asWanted = inputs.owner?.includes(':') ? plan.ownerIds === file.ids : plan.sameOwner;
  if (!asWanted) return `its owner is ${file.owner}, not ${plan.owner}`;
  if (plan.mode !== file.mode) return `its mode is ${file.mode}, not ${plan.mode}`;
  if (inputs.capabilities && !sameCapabilities(inputs.capabilities, file.capabilities))
    return 'its capabilities differ';
  return undefined;
}

function steps(
  inputs: DeployInputs,
  found: Found,
  {
    plan,
    difference,
    because,
  }: { plan: Omit<Plan, 'kind' | 'obstacles' | 'steps'>; difference: string; because: string },
): Step[] {
  const list: Step[] = [];
  const inPlace = inputs.strategy === 'in-place';
  const upload = {
    does: `upload ${megabytes(plan.file.bytes)} ${inPlace ? 'once the program is stopped' : 'beside the live file'}`,
    because: difference,
  };
  if (plan.file.from === 'upload' && !inPlace) list.push(upload);
  if (plan.file.from === 'release')
    list.push({ does: `take the kept release ${short(plan.file.sha256)}`, because: 'rollback-to names it' });
  if (plan.restart === 'systemd') list.push(...unitStops(plan.units));
  if (plan.restart === 'command' && inputs.stopCommand) list.push({ does: 'run the stop command', because });
  if (found.processes.length > 0 && plan.restart !== 'systemd') {
    list.push({
      does: `stop ${pids(found.processes)} with ${inputs.stopSignal}, after ${inputs.stopTimeoutSeconds} s with KILL`,
      because: plan.file.from === 'in place already' ? difference : 'it runs the file that is replaced',
    });
  }
  const others = [...(plan.restart === 'process' ? found.processes : []), ...found.strangers].filter(
    ({ uid }) => uid !== found.runUid,
  );
  if (others.length > 0 && plan.restart !== 'none') {
    list.push({
      does: `not start ${others.map(({ pid, user }) => `pid ${pid} (${user})`).join(', ')} again`,
      because: `only ${plan.runAs} is to run the program`,
    });
  }
  if (plan.file.from === 'upload' && inPlace) list.push(upload);
  if (plan.file.from === 'in place already')
    list.push({
      does: `leave the file as it is (${plan.owner}, ${plan.mode})`,
      because: 'its sha256 is the wanted one',
    });
  else
    list.push({
      does: `replace the file by one rename, owner ${plan.owner}, mode ${plan.mode}`,
      because: found.file ? 'the path is always whole that way, old or new' : 'nothing is there yet',
    });
  if (found.file && !plan.sameOwner && plan.file.from !== 'in place already')
    list.push({
      does: `carry over no ACL, capabilities, set-ID bit or right of others to write${inputs.mode || inputs.capabilities ? ' but those given' : ''}`,
      because: `the owner changes from ${found.file.owner} to ${plan.owner}`,
    });
  list.push(...logSteps(inputs, found, plan), ...startSteps(inputs, plan, because));
  return list;
}

function logSteps(inputs: DeployInputs, found: Found, { restart, runAs }: { restart: Restart; runAs: string }): Step[] {
  if (restart !== 'process' || !found.logForeign) return [];
  const log = inputs.logFile;
  return [{ does: `move ${log} to ${log}.until-TIME and begin a new one`, because: `${runAs} can't write to it` }];
}

function startSteps(
  inputs: DeployInputs,
  plan: { restart: Restart; units: UnitPlan; runAs: string },
  because: string,
): Step[] {
  const { health } = inputs;
  const start: Record<Restart, Step[]> = {
    none: [],
    systemd: unitStarts(plan.units),
    command: [{ does: 'run the start command', because }],
    process: [{ does: `start it as ${plan.runAs} in ${inputs.workingDirectory ?? inputs.folder}`, because }],
  };
  if (plan.restart === 'none') return [];
  const proofs = [
    health.port === undefined ? '' : `it listens on port ${health.port}`,
    health.url
      ? `${shownUrl(health.url)} answers ${health.status}${health.contains ? ' with the text wanted' : ''}`
      : '',
    health.command ? 'the health command succeeds' : '',
  ].filter((proof) => proof !== '');
  return [
    ...start[plan.restart],
    {
      does: `prove that ${proofs.join(' and ') || 'the process runs this file'} within ${health.timeoutSeconds} s, and stays so for ${health.stableSeconds} s`,
      because: inputs.rollback
        ? 'the previous version is put back if not'
        : 'the step fails if not (rollback is false)',
    },
  ];
}

function pids(processes: readonly FoundProcess[]): string {
  return `pid ${processes.map(({ pid }) => pid).join(', ')}`;
}

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { type Account, account } from './accounts.ts';
import { doorAt } from './door.ts';
import { about } from './hostile.ts';
import { program } from './programs.ts';
import type { TestTarget } from './target.ts';

/** Where things are, for the loops of an attacker. */
export interface Place {
  /** The folder of the program, its parent with the folder of the logs, and the file's name. */
  folder: string;
  root: string;
  name: string;
  canary: string;
  /** A process of root's that must live. */
  daemon: number;
  /** A program of the attacker's, which root must never start. */
  payload: string;
  port: number;
}

type Act = (place: Place) => string;

/** What the account that owns the program's folder can do in it; each leaves the names as they were, more or less. */
export const IN_THE_FOLDER: Act[] = [
  ({ name, canary }) => `mv ${name} kept; ln -s ${canary}/daemon ${name}; sleep 0.02; rm -f ${name}; mv kept ${name}`,
  ({ name, canary }) => `mv ${name} kept; ln ${canary}/daemon ${name}; sleep 0.02; rm -f ${name}; mv kept ${name}`,
  ({ name, canary }) => `mv ${name} kept; ln -s ${canary}/door ${name}; sleep 0.01; mv -fT kept ${name}; sleep 0.02`,
  ({ name, payload }) => `mv ${name} kept; cat ${payload} >kept; cp ${payload} ${name}; sleep 0.02; mv kept ${name}`,
  ({ name }) => `mv ${name} kept; mkfifo ${name}; sleep 0.02; rm -f ${name}; mv kept ${name}`,
  ({ name }) => `mv ${name} kept; mkdir ${name}; sleep 0.02; rmdir ${name}; mv kept ${name}`,
  ({ name, canary }) =>
    `mv .${name}.deploy .away; ln -s ${canary} .${name}.deploy; rm -f .${name}.deploy; mv .away .${name}.deploy`,
  ({ name }) => `pkill -KILL -u "$(id -u)" -x ${name.slice(0, 15)}`,
  ({ name, port }) => `./${name} --port ${port + 1} & sleep 0.03; kill $!`,
];

/** The same with its folder, and with that of the logs. */
const WITH_ITS_FOLDERS: Act[] = [
  ({ folder, root, canary }) =>
    `mv ${folder} ${root}/away; ln -s ${canary} ${folder}; rm -f ${folder}; mv ${root}/away ${folder}`,
  ...['secret', 'door'].map(
    (file): Act =>
      ({ root, canary }) =>
        `rm -f ${root}/logs/error.log; ln -s ${canary}/${file} ${root}/logs/error.log; sleep 0.02; rm -f ${root}/logs/error.log`,
  ),
  ({ root }) => `rm -f ${root}/logs/error.log; mkfifo ${root}/logs/error.log; sleep 0.02; rm -f ${root}/logs/error.log`,
];

/** What any other account can do: execute a file that everybody can read, and choose names. */
export const BY_ANOTHER_ACCOUNT: Act[] = [
  ({ folder, name, port }) => `${folder}/${name} --port ${port + 2} & sleep 0.05; kill $!`,
  ({ folder, name, daemon }) =>
    // A folder whose name is a line of a listing: "… /proc/PID/exe -> PATH (deleted)".
    `d="$(mktemp -d)/$(printf 'x\\nlrwxrwxrwx 1 0 0 0 Jan 1 00:00 /proc/${daemon}')"; mkdir -p "$d/exe -> ${folder}"; cp /bin/sleep "$d/exe -> ${folder}/${name}"; "$d/exe -> ${folder}/${name}" 0.3 & rm -f "$d/exe -> ${folder}/${name}"; sleep 0.05`,
  ({ folder, name }) => `(exec -a ${folder}/${name} sleep 0.05)`,
];

export interface Attack extends AsyncDisposable {
  /** Both accounts attack for so long; what they left half moved is then put right. */
  strike(milliseconds: number, draw: () => number): Promise<void>;
  /** What root lost or did for them since the last call; empty when nothing. */
  violations(log: string): string[];
  /** Ends the service account's processes that execute another file than the one at the destination. */
  endStrays(): void;
}

const SECRET = 'root alone knows this';

/** Two accounts that mean harm on a target, and root's things that they are after. */
export async function attackOn(host: TestTarget): Promise<Attack> {
  const root = host.folder.replace(/\/bin$/, '');
  const canary = `${root}-canary`;
  chownSync(root, host.service.uid, host.service.uid);
  mkdirSync(canary, { mode: 0o755 });
  writeFileSync(`${canary}/secret`, `${SECRET}\n`, { mode: 0o600 });
  const door = doorAt(`${canary}/door`);
  copyFileSync('/bin/sleep', `${canary}/daemon`);
  chmodSync(`${canary}/daemon`, 0o755);
  const payload = `${root}/payload`;
  copyFileSync(program('payload'), payload);
  chownSync(payload, host.service.uid, host.service.uid);
  chmodSync(payload, 0o755);
  const daemon = spawn(`${canary}/daemon`, ['100000'], { stdio: 'ignore' });
  const mallory = account();
  const place: Place = {
    folder: host.folder,
    root,
    name: host.name,
    canary,
    daemon: daemon.pid ?? 0,
    payload,
    port: host.port,
  };
  const before = about(canary).join('\n');
  const found: string[] = [];
  const sampler = setInterval(() => found.push(...ofRoot(root)), 5);
  return {
    strike: async (milliseconds, draw) => {
      const loops = [
        loop(
          host.service,
          `${root}/bin`,
          choose([...IN_THE_FOLDER, ...WITH_ITS_FOLDERS], draw).map((act) => act(place)),
        ),
        loop(
          mallory,
          '/tmp',
          choose(BY_ANOTHER_ACCOUNT, draw).map((act) => act(place)),
        ),
      ];
      await new Promise((over) => setTimeout(over, milliseconds));
      await Promise.all(loops.map(ended));
      put(place, host);
    },
    violations: (log) => [
      ...found.splice(0),
      ...(door.opened() === 0 ? [] : ['root opened a link']),
      ...(daemon.exitCode === null && daemon.signalCode === null ? [] : ["root's daemon was killed"]),
      ...(about(canary).join('\n') === before ? [] : ["root's files were changed"]),
      ...(log.includes(SECRET) ? ["root's file was shown in the log"] : []),
    ],
    endStrays: () => endStrays(host),
    [Symbol.asyncDispose]: async () => {
      clearInterval(sampler);
      door[Symbol.dispose]();
      daemon.kill('SIGKILL');
      mallory[Symbol.dispose]();
      rmSync(canary, { recursive: true, force: true });
    },
  };
}

export function choose<T>(all: readonly T[], draw: () => number): T[] {
  const one = () => all[Math.floor(draw() * all.length)] as T;
  return [one(), one()];
}

function loop({ uid }: Account, folder: string, acts: string[]): ChildProcess {
  const words = ['-c', `cd ${folder}; while :; do ${acts.join('\n')}\ndone`];
  return spawn('/bin/bash', words, { stdio: 'ignore', uid, gid: uid, detached: true });
}

async function ended(attacker: ChildProcess): Promise<void> {
  const gone = new Promise((over) => attacker.once('exit', over));
  try {
    process.kill(-(attacker.pid ?? 0), 'SIGKILL');
    await gone;
  } catch {
    // It ended before.
  }
}

function put(place: Place, host: TestTarget): void {
  execFileSync('/bin/sh', ['-c', undoing(place)], { stdio: 'ignore' });
  if (!existsSync(host.destination)) return;
  const { uid } = statSync(host.destination);
  if (uid === 0) chownSync(host.destination, host.service.uid, host.service.uid);
}

/** For a shell of root's: puts right what the account left half moved, as its owner would. */
export function undoing({ folder, root, name }: Place): string {
  return [
    `[ ! -L ${folder} ] || rm ${folder}`,
    `[ -d ${folder} ] || mv ${root}/away ${folder}`,
    `cd ${folder}`,
    `[ ! -L .${name}.deploy ] || rm .${name}.deploy`,
    `[ ! -d .away ] || { rm -rf .${name}.deploy; mv .away .${name}.deploy; }`,
    `[ ! -d ${name} ] || rmdir ${name}`,
    `[ -f ${name} ] && [ ! -L ${name} ] || rm -f ${name}`,
    `if [ -e kept ]; then if [ -e ${name} ]; then rm -f kept; else mv kept ${name}; fi; fi`,
    `[ -f ${root}/logs/error.log ] && [ ! -L ${root}/logs/error.log ] || rm -f ${root}/logs/error.log`,
  ].join('\n');
}

function endStrays({ service, destination }: TestTarget): void {
  const live = existsSync(destination) ? statSync(destination) : undefined;
  for (const pid of processesOf(service.uid)) {
    try {
      const { dev, ino } = statSync(`/proc/${pid}/exe`);
      if (dev !== live?.dev || ino !== live.ino) process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
}

function processesOf(uid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && statSync(`/proc/${name}`, { throwIfNoEntry: false })?.uid === uid)
    .map(Number);
}

/** Processes of root that execute something of the service account's. */
function ofRoot(root: string): string[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      try {
        const path = readlinkSync(`/proc/${pid}/exe`);
        return path.startsWith(`${root}/`) && statSync(`/proc/${pid}`).uid === 0 ? [`root executed ${path}`] : [];
      } catch {
        return [];
      }
    });
}

import { readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { shell } from '../../support/target.ts';
import type { FaultyHost } from '../host.ts';
import { family, kill } from '../processes.ts';
import type { Inject } from './inject.ts';
import { killed } from './runner.ts';

const BACK_SECONDS = 86_400;
const DARK_MS = 500;

/** The program that works on the target gets a signal. */
export function signalled(signal: NodeJS.Signals): Inject {
  return ({ host }) => {
    const pid = host.worker();
    if (pid) kill(pid, signal);
  };
}

/** Nobody is left who could put things right. */
export const runnerToo: Inject = (scene) => {
  killed(scene);
  signalled('SIGKILL')(scene);
};

/** Every process of the target dies at once; its SSH server comes back after a while, a program run by hand does not. */
export const powerCut: Inject = async ({ host, after }) => {
  const { sshd } = host.target;
  const worker = host.worker();
  const all = [...family(sshd.process.pid ?? 0), ...(worker ? family(worker) : []), ...host.target.pids()];
  for (const pid of all) kill(pid, 'SIGKILL');
  host.between.reset();
  // What was forked while the others died.
  for (const pid of host.target.pids()) kill(pid, 'SIGKILL');
  const back = (async () => {
    await sleep(DARK_MS);
    await sshd.restart();
  })();
  after(() => back);
  await back;
};

/** The destination's file system is full but for a few bytes, maybe none. */
export const diskFull: Inject = ({ c, host, after }) => {
  const ballast = `${host.target.folder}/ballast`;
  const room = [0, 0, 4096, 16_384, 1_000_000][Math.floor(c.draw * 5)] ?? 0;
  fill(host, ballast, room);
  after(() => rmSync(ballast, { force: true }));
};

function fill(host: FaultyHost, path: string, room: number): void {
  const free = Number(shell(`df -B1 --output=avail ${host.target.folder} | tail -n 1`));
  try {
    writeFileSync(path, Buffer.alloc(Math.max(0, free - room)));
  } catch {
    // Full sooner: somebody else wrote as well.
  }
}

/** The program that works on the target, and all it starts from now on, get so little memory that something fails. */
export const memoryLimit: Inject = ({ c, host }) => {
  const pid = host.worker();
  const bytes = 1_000_000 + Math.floor(c.draw * 11_000_000);
  if (pid) shell(`prlimit --pid ${pid} --as=${bytes} 2>/dev/null || true`);
};

/** Before the deploy: the clock is a day ahead, and so are the times of all that is there. */
export function clockAhead(host: FaultyHost): void {
  host.setClock(BACK_SECONDS);
  const ahead = Date.now() / 1000 + BACK_SECONDS;
  for (const name of readdirSync(host.target.folder)) utimesSync(`${host.target.folder}/${name}`, ahead, ahead);
}

/** It is set right. */
export const clockBack: Inject = ({ host }) => host.setClock(0);

/** What undoes a delta is there no more. */
export const toolGone: Inject = ({ c, host }) => host.hideTool(c.draw < 0.5 ? 'perl' : 'zstd');

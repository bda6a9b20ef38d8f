import { spawn } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { about, SWAPS, tidy } from '../../support/hostile.ts';
import { program } from '../../support/programs.ts';
import { kill } from '../processes.ts';
import type { Inject } from './inject.ts';

const ATTACK_MS = 1500;

/** Another run deploys another version to the same place. */
export const secondDeploy: Inject = ({ host, rival }) => rival(host.deployOther(program('v3'), 8));

/** The service account swaps files in a loop while root works there, and root's own files must not be touched. */
export const hostileAccount: Inject = async ({ c, host, step, after, problem }) => {
  const root = host.target.folder.replace(/\/bin$/, '');
  const canary = `${root}-canary`;
  chownSync(root, host.target.service.uid, host.target.service.uid);
  mkdirSync(canary, { mode: 0o711 });
  writeFileSync(`${canary}/secret`, 'root alone\n', { mode: 0o600 });
  const before = about(canary).join('\n');
  const [what, loop] = SWAPS[Math.floor(c.draw * SWAPS.length)] ?? SWAPS[0] ?? ['', () => ':'];
  const { uid } = host.target.service;
  const words = ['-c', `while :; do ${loop({ root, canary, name: host.target.name })}; done`];
  const attacker = spawn('/bin/sh', words, { stdio: 'ignore', uid, gid: uid, detached: true });
  after(async () => {
    kill(-(attacker.pid ?? 0), 'SIGKILL');
    await new Promise((gone) =>
      attacker.signalCode || attacker.exitCode !== null ? gone(0) : attacker.once('exit', gone),
    );
    tidy(host.target, root);
    if (about(canary).join('\n') !== before) problem(`root's files were changed through ${what}`);
    if ((await step.ended).log.includes('root alone')) problem(`root's files were shown through ${what}`);
    rmSync(canary, { recursive: true });
  });
  await Promise.race([step.ended, sleep(ATTACK_MS)]);
};

/** Somebody puts another version in place, and leaves the old one running. */
export const fileChanged: Inject = ({ host }) => {
  const { destination, service } = host.target;
  copyFileSync(program('v3'), `${destination}.by-hand`);
  chownSync(`${destination}.by-hand`, service.uid, service.uid);
  chmodSync(`${destination}.by-hand`, 0o755);
  renameSync(`${destination}.by-hand`, destination);
};

/** Something else takes the port as soon as it is free, and keeps it. */
export const portHeld: Inject = async ({ host, step, after }) => {
  const { uid } = host.target.service;
  // Where the service account may go, unlike the folder of this checkout maybe.
  const squatterFile = `${dirname(host.target.folder)}/squatter`;
  copyFileSync(program('squatter'), squatterFile);
  let over = false;
  const ended = step.ended.then(() => {
    over = true;
  });
  while (!over) {
    const squatter = spawn(squatterFile, ['--port', String(host.target.port)], {
      stdio: 'ignore',
      uid,
      gid: uid,
    });
    const lost = new Promise((gone) => squatter.once('exit', gone));
    // Never by its number, which may be another's by then.
    after(() => squatter.kill('SIGKILL'));
    // One that found the port taken ends by itself.
    await Promise.race([ended, lost]);
  }
};

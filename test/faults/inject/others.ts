import { spawn } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { draws } from '../../support/draws.ts';
import { attackOn } from '../../support/hostile-account.ts';
import { program } from '../../support/programs.ts';
import { textOf } from '../../support/target.ts';
import { isOver } from '../moment.ts';
import type { Inject } from './inject.ts';

const SHORTEST_ATTACK_MS = 50;
const LONGEST_ATTACK_MS = 1500;
// Numbers that no case draws from.
const ATTACK_SERIES = 1_000_000;

/** Another run deploys another version to the same place. */
export const secondDeploy: Inject = ({ host, rival }) => rival(host.deployOther(program('v3'), 8));

/** The service account and another one attack for a while; what they did to the account's own files is undone afterwards. */
export const hostileAccount: Inject = async ({ c, host, step, after, problem, spoil }) => {
  const attack = await attackOn(host.target);
  after(async () => {
    for (const what of attack.violations((await step.ended).log)) problem(what);
    if (!isSaidToRun((await step.ended).outputs.state)) attack.endStrays();
    await attack[Symbol.asyncDispose]();
  });
  const draw = draws(c.seed, c.number + ATTACK_SERIES);
  await attack.strike(SHORTEST_ATTACK_MS + draw() * (LONGEST_ATTACK_MS - SHORTEST_ATTACK_MS), draw);
  const said = textOf(`${host.state}/journal`);
  if (isOver(step) || said.includes('\nphase=accept\n') || said.endsWith('\nphase=end\n')) {
    spoil();
    attack.endStrays();
  }
};

/** Whether a deploy says that one version runs, and so no other. */
function isSaidToRun(state = ''): boolean {
  return ['active', 'unchanged', 'rolled-back'].includes(state);
}

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

import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { program } from '../../support/programs.ts';
import { releaseHost } from '../../support/release-host.ts';
import { shell, textOf } from '../../support/target.ts';

/** Runs a script as the service account, which owns the folders of the parts. */
function attack(account: string, script: string): Disposable {
  const child = spawn('su', ['-s', '/bin/sh', account, '-c', script], { stdio: 'ignore', detached: true });
  return {
    [Symbol.dispose]: () => {
      if (child.pid) shell(`kill -KILL -- -${child.pid} 2>/dev/null || true`);
    },
  };
}

it('an account that owns the folder of a part can neither swap the release folder nor vote in it', async () => {
  await using host = await releaseHost();
  for (const part of host.parts) await part.startByHand(program('v1'));
  const [server] = host.parts;
  const state = server?.state ?? '';
  await host.release(host.inputs([program('v2'), program('v2')]));
  // For a while another folder takes the place of the state folder, with votes and a decision that lie.
  const swap = [
    `mv ${state} ${state}.moved && mkdir ${state} && chmod 700 ${state}`,
    `for id in a b; do mkdir ${state}/release.$id && echo commit >${state}/release.$id/decision && echo 1 1 >${state}/release.$id/stable.2; done`,
    `sleep 0.7; rm -rf ${state}; mv ${state}.moved ${state}`,
  ].join('\n');
  const moments: [phase: string, source: string][] = [
    ['connect         ', program('v3')],
    ['staged          ', program('v4')],
    ['start           ', program('bad', 'exits at once')],
  ];
  for (const [at, [phase, source]] of moments.entries()) {
    const step = host.startRelease(host.inputs([program(`v${at + 3}`), source]));
    await step.saw(phase);
    using _attack = attack(host.service.name, swap);
    const { outputs, log } = await step.ended;
    expect(['active', 'rolled-back', 'staged', 'untouched'], log).toContain(outputs.state);
    const versions = await host.versions();
    expect(new Set(versions).size, `${phase}: ${versions}\n${log}`).toBe(1);
    await sleep(800);
  }
  shell(`[ ! -d ${state}.moved ] || { rm -rf ${state}; mv ${state}.moved ${state}; }`);
  const last = await host.release(host.inputs([program('v7'), program('v7')]));
  expect(last.outputs.state, last.log).toBe('active');
  expect(textOf(`${state}/journal`)).toMatch(/\nphase=end\n$/);
}, 120_000);

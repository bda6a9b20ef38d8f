import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALIAS, healthOf, type Production, production, startByHand } from '../support/production.ts';
import { program, sha256 } from '../support/programs.ts';

let here: Production;
beforeAll(async () => {
  here = await production();
});
afterAll(() => here[Symbol.asyncDispose]());

const V1 = program('v1', 'ignores TERM');
const V2 = program('v2', 'starts slowly');
const SLOWLY = { 'stop-timeout-seconds': 1, 'stable-seconds': 2, 'connect-timeout-seconds': 2, 'keepalive-seconds': 1 };

describe("the target's plug is pulled", () => {
  test.each([
    ['while it stops the old program', 'stop            '],
    ['while it starts the new one', 'start           '],
    ['in the stable window', 'stable          '],
  ])('%s: it comes back whole, and the next run finishes what it finds', async (_, phase) => {
    const { system, build, deploy } = here;
    await startByHand(system, V1);
    const cut = deploy({ ...SLOWLY, source: await build(V2) });
    await cut.saw(phase);
    await system.stopHard();
    await system.start();
    const step = await cut.ended;
    const truth = { sha256: await digest(), version: (await healthOf(system))?.version };
    expect([sha256(V1), sha256(V2)]).toContain(truth.sha256);
    expect(step.code, step.log).toBe(1);
    // A step that went on after the reboot may have put the old version back itself; else it must not claim to know.
    if (step.outputs.state === 'rolled-back') expect(truth).toEqual({ sha256: sha256(V1), version: 'v1' });
    else expect(step.outputs.state, step.log).toMatch(/^(unknown|broken)$/);

    const next = await deploy({ source: await build(program('v3')) }, { GITHUB_RUN_NUMBER: '8' }).ended;
    expect(next.outputs.state, next.log).toBe('active');
    if (step.outputs.state !== 'rolled-back') expect(next.log).toContain('was interrupted during `');
    expect(await healthOf(system)).toMatchObject({ version: 'v3' });
    expect(await system.sh('ls -A /opt/gbo/bin /opt/gbo/bin/.botserver.deploy')).not.toMatch(/incoming|restored|\.new/);
  });
});

describe("the target's plug is pulled and the runner is killed too", () => {
  test.each([
    ['while it stops the old program', 'stop            ', sha256(V1)],
    ['while it starts the new one', 'start           ', sha256(V2)],
  ])('%s: verify-deploy says that a deploy is unfinished, and the next run finishes it', async (_, phase, left) => {
    const { system, ci, build, step, deploy } = here;
    await startByHand(system, V1);
    const cut = deploy({ ...SLOWLY, source: await build(V2) });
    await cut.saw(phase);
    await Promise.all([system.stopHard(), ci.sh('pkill -KILL -f dist/[d]eploy-binary.cjs')]);
    expect((await cut.ended).code).toBeNull();
    await system.start();
    expect(await digest()).toBe(left);
    expect(await healthOf(system)).toBeUndefined();

    const verdict = await step('verify-deploy', { host: ALIAS, path: '/opt/gbo/bin/botserver', running: 'any' }).ended;
    expect(verdict.code, verdict.log).toBe(1);
    expect(verdict.outputs).toMatchObject({ verified: 'false', failed: 'deploy' });

    const next = await deploy({ source: await build(program('v3')) }, { GITHUB_RUN_NUMBER: '8' }).ended;
    expect(next.log).toContain(`was interrupted during \`${phase.trim()}\`; recovering it first.`);
    expect(next.log).toContain('finished: rolled-back, pid ');
    expect(next.outputs, next.log).toMatchObject({ state: 'active', 'previous-sha256': sha256(V1) });
    expect(await healthOf(system)).toMatchObject({ version: 'v3' });
  });
});

async function digest(): Promise<string> {
  return (await here.system.sh('sha256sum </opt/gbo/bin/botserver')).slice(0, 64);
}

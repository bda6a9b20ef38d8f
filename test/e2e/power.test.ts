import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { healthOf, type Production, production, startByHand } from '../support/production.ts';
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
    if (step.outputs.state !== 'rolled-back') expect(next.log).toContain('was interrupted in the phase');
    expect(await healthOf(system)).toMatchObject({ version: 'v3' });
    expect(await system.sh('ls -A /opt/gbo/bin /opt/gbo/bin/.botserver.deploy')).not.toMatch(/incoming|restored|\.new/);
  });
});

async function digest(): Promise<string> {
  return (await here.system.sh('sha256sum </opt/gbo/bin/botserver')).slice(0, 64);
}

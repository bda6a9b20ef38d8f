import { describe, expect, it } from 'vitest';
import { step } from '../../support/action.ts';
import { program } from '../../support/programs.ts';
import { target } from '../../support/target.ts';

describe('the post step', () => {
  it('reports the result of a deploy whose main step was killed', async () => {
    await using host = await target();
    await host.startByHand(program('v1', 'ignores TERM'));
    const inputs = { ...host.usual, source: program('v2'), 'stop-timeout-seconds': 1 };
    const main = host.startDeploy(inputs);
    await main.saw('stop            ');
    main.process.kill('SIGKILL');
    const { state } = await main.ended;
    const env = Object.fromEntries(Object.entries(state).map(([name, value]) => [`STATE_${name}`, value]));
    const post = await step('deploy-binary', { inputs, env });
    expect(post.code).toBe(0);
    expect(post.log).toMatch(/Finished: active, pid \d+\./);
    expect(await host.health()).toMatchObject({ version: 'v2' });
    const blind = await step('deploy-binary', { inputs: {}, env });
    expect(blind.code).toBe(0);
    expect(blind.log).toContain('This runner passes no inputs to post steps');
    expect(JSON.stringify(state)).not.toContain('PRIVATE KEY');
  });

  it('prints nothing after a deploy that finished', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const { state } = await host.deploy({ source: program('v2') });
    const env = Object.fromEntries(Object.entries(state).map(([name, value]) => [`STATE_${name}`, value]));
    const post = await step('deploy-binary', { inputs: { ...host.usual, source: program('v2') }, env });
    expect(post).toMatchObject({ code: 0, log: '' });
  });
});

import { expect, it } from 'vitest';
import { program } from '../../support/programs.ts';
import { proxy } from '../../support/proxy.ts';
import { releaseHost } from '../../support/release-host.ts';

it.each([
  ['stop            ', /^active$/, 'v2'],
  ['start           ', /^active$/, 'v2'],
  ['stable          ', /^active$/, 'v2'],
])(
  'a connection that is cut at `%s` costs nothing: the target finishes, and the runner learns how',
  async (phase, state, version) => {
    await using host = await releaseHost();
    await using between = await proxy(host.sshd.port);
    for (const part of host.parts) await part.startByHand(program('v1'));
    const slow = ['stable-seconds: 1.5'];
    const step = host.startRelease({
      ...host.inputs([program('v2', 'starts slowly'), program('v2', 'starts slowly')], [slow, slow]),
      host: `root@127.0.0.1:${between.port}`,
      'host-key-checking': 'insecure',
    });
    await step.saw(phase);
    between.reset();
    const { outputs, log } = await step.ended;
    expect(log).toContain('reconnecting to follow it');
    expect(outputs.state, log).toMatch(state);
    expect(await host.versions()).toEqual([version, version]);
    expect(host.leftovers()).toEqual([]);
  },
);

it('a connection that is cut during the uploads leaves both running', async () => {
  await using host = await releaseHost();
  await using between = await proxy(host.sshd.port, { bytesPerSecond: 4e6 });
  for (const part of host.parts) await part.startByHand(program('v1'));
  const pids = host.parts.flatMap((part) => part.pids());
  const step = host.startRelease({
    ...host.inputs([program('v2', 'healthy', 20e6), program('v2', 'healthy', 20e6)]),
    transfer: 'plain',
    host: `root@127.0.0.1:${between.port}`,
    'host-key-checking': 'insecure',
  });
  await step.saw('upload          ');
  between.reset();
  const { outputs, log } = await step.ended;
  expect(outputs.state, log).toBe('untouched');
  expect(host.parts.flatMap((part) => part.pids())).toEqual(pids);
  expect(await host.versions()).toEqual(['v1', 'v1']);
  const next = await host.release(host.inputs([program('v2'), program('v2')]));
  expect(next.outputs.state, next.log).toBe('active');
  expect(host.leftovers()).toEqual([]);
});

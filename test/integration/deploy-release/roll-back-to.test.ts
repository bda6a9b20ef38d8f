import { expect, it } from 'vitest';
import { program } from '../../support/programs.ts';
import { releaseHost } from '../../support/release-host.ts';

it('rollback-to restores what the whole last release replaced, and leaves the other parts alone', async () => {
  await using host = await releaseHost(['server', 'ui', 'worker']);
  for (const part of host.parts) await part.startByHand(program('v1'));
  const keys = host.parts.map(({ destination }) => [`working-directory: ${destination.replace(/\/[^/]*$/, '')}`]);
  const first = await host.release(host.inputs([program('v2'), program('v2'), program('v2')], keys));
  expect(first.outputs.state, first.log).toBe('active');
  const second = await host.release(host.inputs([program('v3'), program('v3'), program('v2')], keys));
  expect(second.outputs.state, second.log).toBe('active');
  expect(await host.versions()).toEqual(['v3', 'v3', 'v2']);
  const [, , worker] = host.parts.map((part) => part.pids());
  // The sources may be gone by now.
  const back = await host.release({ ...host.inputs(['gone', 'gone', 'gone'], keys), 'rollback-to': 'previous' });
  expect(back.outputs, back.log).toMatchObject({ state: 'active', 'bytes-sent': '0' });
  expect(await host.versions()).toEqual(['v2', 'v2', 'v2']);
  expect(host.parts[2]?.pids()).toEqual(worker);
});

it('rollback-to is refused for all parts where one has no version before the last release', async () => {
  await using host = await releaseHost();
  await host.parts[0]?.startByHand(program('v1'));
  const first = await host.release(host.inputs([program('v2'), program('v2')], [[], [`owner: ${host.service.name}`]]));
  expect(first.outputs.state, first.log).toBe('active');
  const back = await host.release({ ...host.inputs(['gone', 'gone']), 'rollback-to': 'previous' });
  expect(back.outputs.state, back.log).toBe('untouched');
  expect(back.log).toContain('ui: no version before the last release is known.');
  expect(await host.versions()).toEqual(['v2', 'v2']);
});

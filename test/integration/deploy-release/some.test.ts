import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { program } from '../../support/programs.ts';
import { type ReleaseHost, releaseHost } from '../../support/release-host.ts';

const pidsOf = (host: ReleaseHost) => host.parts.map((part) => part.pids());

it('a part that already matches keeps its process, unless it needs one that changes', async () => {
  await using host = await releaseHost();
  for (const part of host.parts) await part.startByHand(program('v1'));
  const [, uiBefore] = pidsOf(host);
  const own = [[`working-directory: ${host.root}/server`], [`working-directory: ${host.root}/ui`]];
  const step = await host.release(host.inputs([program('v2'), program('v1')], own));
  expect(step.outputs.state, step.log).toBe('active');
  expect(step.log).toContain('1 of 2 parts change together; the others stay as they are.');
  expect(await host.versions()).toEqual(['v2', 'v1']);
  expect(pidsOf(host)[1]).toEqual(uiBefore);
  const [target] = JSON.parse(step.outputs.report ?? '');
  expect(target.parts.map(({ state }: { state: string }) => state)).toEqual(['active', 'unchanged']);
  const needs = [own[0] ?? [], [...(own[1] ?? []), 'needs: server']];
  const both = await host.release(host.inputs([program('v3'), program('v1')], needs));
  expect(both.outputs.state, both.log).toBe('active');
  expect(both.log).toContain('server changes, which it needs');
  expect(await host.versions()).toEqual(['v3', 'v1']);
  expect(pidsOf(host)[1]).not.toEqual(uiBefore);
});

it('a dry run prints the plan of each part, and changes nothing', async () => {
  await using host = await releaseHost();
  for (const part of host.parts) await part.startByHand(program('v1'));
  const before = pidsOf(host);
  const step = await host.release({ ...host.inputs([program('v2'), program('v2')]), 'dry-run': true });
  expect(step.outputs, step.log).toMatchObject({ state: 'unchanged', changed: 'false' });
  for (const name of ['server', 'ui']) expect(step.log).toMatch(new RegExp(`${name} \\|   - stop pid`));
  expect(pidsOf(host)).toEqual(before);
  for (const { state } of host.parts) expect(existsSync(state)).toBe(false);
});

it('every obstacle of every part is reported at once, and nothing is uploaded', async () => {
  await using host = await releaseHost();
  for (const part of host.parts) await part.startByHand(program('v1'));
  const inputs = host.inputs([program('v2'), program('v2')], [['run-as: nobody-there'], ['owner: no-such-owner']]);
  const step = await host.release(inputs);
  expect(step.outputs, step.log).toMatchObject({ state: 'untouched', 'bytes-sent': '0' });
  expect(step.log).toMatch(/server: .*nobody-there/);
  expect(step.log).toMatch(/ui: .*no-such-owner/);
});

it('a part whose upload fails leaves both running, and no lock is held', async () => {
  await using host = await releaseHost();
  for (const part of host.parts) await part.startByHand(program('v1'));
  const before = pidsOf(host);
  // The new file of the second part can't be renamed into place: something keeps its name.
  const inputs = host.inputs([program('v2'), program('v2')], [[], ['capabilities: cap_no_such_thing=+ep']]);
  const step = await host.release(inputs);
  expect(step.outputs.state, step.log).toBe('staged');
  expect(pidsOf(host)).toEqual(before);
  expect(host.leftovers()).toEqual([]);
  const next = await host.release({ ...host.inputs([program('v2'), program('v2')]), 'lock-timeout-seconds': 0 });
  expect(next.outputs.state, next.log).toBe('active');
});

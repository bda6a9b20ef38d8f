import { expect, it } from 'vitest';
import type { Step } from '../../support/action.ts';
import { program, sha256 } from '../../support/programs.ts';
import { target } from '../../support/target.ts';

function checks({ outputs }: Step): [name: string, ok: boolean][] {
  const [{ checks }] = JSON.parse(outputs.report ?? '');
  return checks.map(({ name, ok }: { name: string; ok: boolean }) => [name, ok]);
}

it('the report tells every check that was made, and the one that failed', async () => {
  await using host = await target();
  await host.startByHand(program('v1'));
  const inputs = { 'health-port': host.port, 'health-command': 'true' };
  const good = await host.deploy({ source: program('v2'), ...inputs });
  const healthy = ['sha256', 'health-port', 'health-url', 'health-command'].map((name) => [name, true]);
  expect(checks(good)).toEqual([...healthy, ['stable', true]]);
  expect(JSON.parse(good.outputs.report ?? '')[0].checks[0]).toEqual({
    name: 'sha256',
    expected: sha256(program('v2')),
    found: sha256(program('v2')),
    ok: true,
  });
  expect(checks(await host.deploy({ source: program('v2'), ...inputs }))).toEqual(healthy);
  const crash = await host.deploy({ source: program('bad', 'exits after 900 ms'), ...inputs, 'stable-seconds': 2 });
  expect(checks(crash)).toEqual([...healthy, ['stable', false]]);
  const sick = await host.deploy({ source: program('bad', 'answers 500'), 'health-timeout-seconds': 1 });
  expect(checks(sick)).toEqual([
    ['sha256', true],
    ['health', false],
  ]);
  expect(checks(await host.deploy({ source: program('v3'), 'dry-run': true }))).toEqual([]);
});

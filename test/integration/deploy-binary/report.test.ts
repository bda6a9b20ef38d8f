import { expect, it } from 'vitest';
import type { Step } from '../../support/action.ts';
import { program, sha256 } from '../../support/programs.ts';
import { target } from '../../support/target.ts';

function checks({ outputs }: Step): [name: string, ok: boolean][] {
  const [{ checks }] = JSON.parse(outputs.report ?? '');
  return checks.map(({ name, ok }: { name: string; ok: boolean }) => [name, ok]);
}

it('the report has every check that was made, and the one that failed', async () => {
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

it.each([{}, { FORGEJO_ACTIONS: '', GITHUB_ACTIONS: 'true' }])(
  'what a health URL asks with, and a value of the environment, is in no line and no output (%j)',
  async (platform) => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const step = await host.deploy(
      {
        source: program('bad', 'answers 500'),
        'health-url': `http://localhost:${host.port}/api/health?token=t0ken%2Fof-health&id=7`,
        'health-timeout-seconds': 1,
        environment: 'DEBUG=true\nAPP_PORT=8080\nAPP_MODE=production\nAPP_KEY=k3y-of-the-app',
      },
      platform,
    );
    expect(step.outputs.state, step.log).toBe('rolled-back');
    const masks = [...step.log.matchAll(/^::add-mask::(.*)$/gm)].map(([, value]) => value);
    expect(masks).toContain('k3y-of-the-app');
    for (const common of ['true', '8080', 'production']) expect(masks).not.toContain(common);
    const told = step.log.replace(/^::add-mask::.*$/gm, '') + JSON.stringify(step.outputs) + step.summary;
    for (const secret of ['t0ken', 'id=7', 'k3y-of-the-app']) expect(told).not.toContain(secret);
    expect(step.log).toContain(`http://localhost:${host.port}/api/health?token=***&id=*** answers 500`);
  },
);

it('a wrong health URL is not quoted with what is secret in it', async () => {
  await using host = await target();
  const step = await host.deploy({ source: program('v1'), 'health-url': 'http://ada:hunter22@localhost/?token=t0ken' });
  expect(step.log).toContain("expected an http or https URL without a user in it, got 'http://localhost/?token=***'");
  expect(step.log).not.toMatch(/hunter22|t0ken/);
});

it('quotes around a value of the environment are a warning that does not show it', async () => {
  await using host = await target();
  await host.startByHand(program('v1'));
  const environment = '# of the app\nexport PORT=8080\nAPP_KEY="k3y-of-the-app"';
  const { code, log } = await host.deploy({ source: program('v2'), environment, 'dry-run': true });
  expect(code, log).toBe(0);
  expect(log).toContain('Warning: `environment`: the quotes around the value of APP_KEY are part of it');
  expect(log.match(/^Warning: /gm)).toHaveLength(1);
  expect(log.replace(/^::add-mask::.*$/gm, '')).not.toContain('k3y-of-the-app');
});

import { describe, expect, it } from 'vitest';
import { program, sha256 } from '../../support/programs.ts';
import { releaseHost } from '../../support/release-host.ts';

const PIDS = async (host: Awaited<ReturnType<typeof releaseHost>>) =>
  (await Promise.all(host.parts.map((part) => part.health()))).map((health) => health?.pid);

describe('a release of two programs', () => {
  it('starts both new ones, and changes nothing the second time', async () => {
    await using host = await releaseHost();
    for (const part of host.parts) await part.startByHand(program('v1'));
    const inputs = host.inputs([program('v2'), program('v2')]);
    const step = await host.release(inputs);
    expect(step.outputs, step.log).toMatchObject({ state: 'active', changed: 'true' });
    expect(await host.versions()).toEqual(['v2', 'v2']);
    const [target] = JSON.parse(step.outputs.report ?? '');
    expect(target).toMatchObject({ state: 'active' });
    expect(
      target.parts.map((part: { part: string; state: string; sha256: string }) => [part.part, part.state, part.sha256]),
    ).toEqual([
      ['server', 'active', sha256(program('v2'))],
      ['ui', 'active', sha256(program('v2'))],
    ]);
    expect(host.leftovers()).toEqual([]);
    const pids = await PIDS(host);
    const again = await host.release(inputs);
    expect(again.outputs, again.log).toMatchObject({ state: 'unchanged', changed: 'false' });
    expect(await PIDS(host)).toEqual(pids);
  });

  it('rolls both back when the second is not healthy', async () => {
    await using host = await releaseHost();
    for (const part of host.parts) await part.startByHand(program('v1'));
    const step = await host.release(host.inputs([program('v2'), program('bad', 'exits at once')]));
    expect(step.outputs, step.log).toMatchObject({ state: 'rolled-back', changed: 'false' });
    expect(step.code).toBe(1);
    expect(await host.versions()).toEqual(['v1', 'v1']);
    expect(host.parts.map((part) => sha256(part.destination))).toEqual([sha256(program('v1')), sha256(program('v1'))]);
    const [target] = JSON.parse(step.outputs.report ?? '');
    expect(target.parts.map((part: { state: string }) => part.state)).toEqual(['rolled-back', 'rolled-back']);
    expect(step.log).toContain('why:    Activating');
    expect(host.leftovers()).toEqual([]);
  });
});

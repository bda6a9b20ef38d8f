import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { program } from '../../support/programs.ts';
import { releaseHost } from '../../support/release-host.ts';
import { target } from '../../support/target.ts';

describe('commands around a release', () => {
  it('run once all parts are staged, and once all are accepted', async () => {
    await using host = await releaseHost();
    for (const part of host.parts) await part.startByHand(program('v1'));
    const notes = `${host.root}/notes`;
    const staged = host.parts.map(({ state }) => `test -f ${state}/incoming`).join(' && ');
    const url = `http://localhost:${host.parts[0]?.port}/api/health`;
    const step = await host.release({
      ...host.inputs([program('v2'), program('v2')]),
      'before-command': `${staged} && echo before {run} && curl -s ${url} | grep -o v1 >${notes}`,
      'after-command': `curl -s ${url} | grep -o v2 >>${notes}`,
      'require-url': url,
      'require-port': host.sshd.port,
      'require-command': 'true',
    });
    expect(step.outputs.state, step.log).toBe('active');
    expect(step.log).toContain('| before 7');
    expect(readFileSync(notes, 'utf8')).toBe('v1\nv2\n');
    expect(host.leftovers()).toEqual([]);
  });

  it('leave both running when the first one fails, and both new when the last one does', async () => {
    await using host = await releaseHost();
    for (const part of host.parts) await part.startByHand(program('v1'));
    const pids = host.parts.flatMap((part) => part.pids());
    const inputs = host.inputs([program('v2'), program('v2')]);
    const refused = await host.release({ ...inputs, 'before-command': 'echo no room; exit 3' });
    expect(refused.outputs, refused.log).toMatchObject({ state: 'staged', changed: 'false' });
    expect(refused.log).toContain('before-command exited with code 3.');
    expect(refused.log).toContain('| no room');
    expect(host.parts.flatMap((part) => part.pids())).toEqual(pids);
    expect(host.leftovers()).toEqual([]);
    const late = await host.release({ ...inputs, 'after-command': 'exit 4' });
    expect(late.outputs, late.log).toMatchObject({ state: 'active', changed: 'true' });
    expect(late.code).toBe(1);
    expect(late.log).toContain('after-command exited with code 4.');
    expect(await host.versions()).toEqual(['v2', 'v2']);
  });

  it('whatever is required but missing is reported at once, and nothing is uploaded', async () => {
    await using host = await releaseHost();
    for (const part of host.parts) await part.startByHand(program('v1'));
    const step = await host.release({
      ...host.inputs([program('v2'), program('v2')]),
      'require-url': 'http://localhost:9/',
      'require-port': 9,
      'require-command': 'exit 5',
      'before-command': `touch ${host.root}/touched`,
    });
    expect(step.outputs, step.log).toMatchObject({ state: 'untouched', 'bytes-sent': '0' });
    for (const text of [
      '(require-url).',
      'nothing listens on port 9 (require-port).',
      'the command exited with code 5 (require-command).',
    ])
      expect(step.log).toContain(text);
    expect(existsSync(`${host.root}/touched`)).toBe(false);
  });
});

describe('commands around a deploy of one program', () => {
  it.each(['staged', 'in-place'])(
    'run before and after it, and a failure of the first one stops it (%s)',
    async (strategy) => {
      await using host = await target();
      await host.startByHand(program('v1'));
      const { pid } = (await host.health()) ?? {};
      const failed = await host.deploy({ source: program('v2'), strategy, 'before-command': 'exit 3' });
      expect(failed.outputs.state, failed.log).toBe(strategy === 'staged' ? 'staged' : 'untouched');
      expect(failed.log).toContain('before-command exited with code 3.');
      expect(await host.health()).toMatchObject({ version: 'v1', pid });
      const step = await host.deploy({
        source: program('v2'),
        strategy,
        'before-command': 'echo one',
        'after-command': 'echo two; exit 4',
      });
      expect(step.outputs.state, step.log).toBe('active');
      expect(step.code).toBe(1);
      for (const text of ['| one', '| two', 'after-command exited with code 4.', 'the new version stays'])
        expect(step.log).toContain(text);
      expect(await host.health()).toMatchObject({ version: 'v2' });
      expect(host.stateFiles().filter((name) => name.startsWith('release.'))).toEqual([]);
    },
  );
});

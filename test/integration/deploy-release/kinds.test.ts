import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, it } from 'vitest';
import { step } from '../../support/action.ts';
import { program } from '../../support/programs.ts';
import { releaseHost } from '../../support/release-host.ts';

/** A host with one program, a configuration that a service reads, and a folder. */
async function place() {
  const host = await releaseHost(['server']);
  const source = mkdtempSync('/tmp/fdt-sources-');
  chmodSync(source, 0o755);
  const [config, folder] = [`${host.root}/app.conf`, `${host.root}/ui`];
  mkdirSync(`${source}/dist`);
  const files = (conf: string, index: string) => {
    writeFileSync(`${source}/app.conf`, conf);
    writeFileSync(`${source}/dist/index.html`, index);
    writeFileSync(`${source}/dist/same.css`, 'the same');
  };
  const parts = (binary: string, more: { config?: string[]; folder?: string[] } = {}) =>
    [
      String(
        host.inputs(
          [binary === 'unhealthy' ? program('v2', 'exits at once') : program(binary)],
          [[`owner: ${host.service.name}`, `run-as: ${host.service.name}`]],
        ).parts,
      ),
      ...[`- config: ${source}/app.conf`, `  to: ${config}`, `  check: "! grep bad {file}"`],
      `  apply: cat ${config} >>${host.root}/applied; ! grep unloved ${config}`,
      ...(more.config ?? []).map((line) => `  ${line}`),
      ...[`- folder: ${source}/dist`, `  to: ${folder}`, ...(more.folder ?? []).map((line) => `  ${line}`)],
    ].join('\n');
  return {
    host,
    config,
    folder,
    files,
    applied: () => readFileSync(`${host.root}/applied`, 'utf8'),
    release: (
      binary: string,
      more?: { config?: string[]; folder?: string[] },
      inputs: Record<string, string | boolean> = {},
    ) => step('deploy-release', { inputs: { ...host.inputs([]), parts: parts(binary, more), ...inputs } }),
    [Symbol.asyncDispose]: async () => {
      rmSync(source, { recursive: true, force: true });
      await host[Symbol.asyncDispose]();
    },
  };
}

describe('a release of a program, a configuration and a folder', () => {
  it('changes all of them together, and afterwards nothing', async () => {
    await using here = await place();
    here.files('one\n', 'v1');
    const first = await here.release('v1');
    expect(first.outputs, first.log).toMatchObject({ state: 'active', changed: 'true' });
    expect([
      readFileSync(here.config, 'utf8'),
      readFileSync(`${here.folder}/index.html`, 'utf8'),
      here.applied(),
    ]).toEqual(['one\n', 'v1', 'one\n']);
    expect(statSync(here.config).mode & 0o7777).toBe(0o644);
    const pids = here.host.parts[0]?.pids();
    expect((await here.release('v1')).outputs).toMatchObject({ state: 'unchanged', changed: 'false' });
    here.files('one\n', 'v2');
    const third = await here.release('v1');
    expect(third.outputs.state).toBe('active');
    expect(third.log).toContain('1 of 2 files differ');
    expect(third.log).toContain('1 of 3 parts change');
    expect(here.host.parts[0]?.pids()).toEqual(pids);
    expect(here.applied()).toBe('one\n');
  });

  it('rolls all of them back when the configuration is refused by its service', async () => {
    await using here = await place();
    here.files('one\n', 'v1');
    await here.release('v1');
    here.files('unloved\n', 'v2');
    const { log, outputs, code } = await here.release('v2');
    expect([code, outputs.state], log).toEqual([1, 'rolled-back']);
    expect([readFileSync(here.config, 'utf8'), readFileSync(`${here.folder}/index.html`, 'utf8')]).toEqual([
      'one\n',
      'v1',
    ]);
    expect(here.applied()).toBe('one\nunloved\none\n');
    expect(await here.host.versions()).toEqual(['v1']);
    expect(here.host.leftovers()).toEqual([]);
    expect(readdirSync(here.folder).sort()).toEqual(['index.html', 'same.css']);
  });

  it('rolls all of them back when the program is not healthy', async () => {
    await using here = await place();
    here.files('one\n', 'v1');
    await here.release('v1');
    here.files('two\n', 'v2');
    const { log, outputs } = await here.release('unhealthy');
    expect(outputs.state, log).toBe('rolled-back');
    expect([readFileSync(here.config, 'utf8'), readFileSync(`${here.folder}/index.html`, 'utf8')]).toEqual([
      'one\n',
      'v1',
    ]);
    expect(await here.host.versions()).toEqual(['v1']);
  });

  it('changes nothing when the check refuses the configuration, and shows what it printed', async () => {
    await using here = await place();
    here.files('one\n', 'v1');
    await here.release('v1');
    here.files('bad word\n', 'v2');
    const { log, outputs } = await here.release('v2');
    expect(outputs.state, log).not.toBe('active');
    expect(log).toMatch(/app\.conf \| \| bad word/);
    expect([readFileSync(here.config, 'utf8'), readFileSync(`${here.folder}/index.html`, 'utf8')]).toEqual([
      'one\n',
      'v1',
    ]);
    expect(await here.host.versions()).toEqual(['v1']);
  });
});

describe('before anything is changed', () => {
  it('a configuration that lost most of its content is refused, with every reason of every part', async () => {
    await using here = await place();
    here.files('a.example\n'.repeat(25), 'v1');
    await here.release('v1');
    here.files('b.example\n'.repeat(2), 'v2');
    rmSync(`${here.folder}/same.css`);
    const { log, outputs } = await here.release('v2', { config: ['must-contain: a.example', 'shrink-at-most: 50%'] });
    expect(outputs.state).toBe('untouched');
    expect(log).toContain("does not contain 'a.example'");
    expect(log).toContain('92% less, and shrink-at-most is 50%');
    expect(log).toContain(`${here.folder} was edited on the target since the last deploy`);
  });

  it('a configuration that was edited by hand is refused, and overwrite-drift keeps the edited one', async () => {
    await using here = await place();
    here.files('one\n', 'v1');
    await here.release('v1');
    writeFileSync(here.config, 'edited by hand\n');
    here.files('two\n', 'v1');
    const { log, outputs } = await here.release('v1');
    expect(outputs.state).toBe('untouched');
    expect(log).toContain(`${here.config} was edited on the target since the last deploy`);
    expect(log).toContain('-one');
    expect(log).toContain('+edited by hand');
    expect(readFileSync(here.config, 'utf8')).toBe('edited by hand\n');
    expect((await here.release('v1', { config: ['overwrite-drift: true'] })).outputs.state).toBe('active');
    const releases = `${here.host.root}/.app.conf.deploy/releases`;
    const kept = readdirSync(releases).filter((name) => !name.endsWith('.about'));
    expect(kept.map((name) => readFileSync(`${releases}/${name}`, 'utf8'))).toContain('edited by hand\n');
  });

  it('dry-run lists what would be done with each part', async () => {
    await using here = await place();
    here.files('one\n', 'v1');
    const { log } = await here.release('v1', { folder: ['keep: uploads'] }, { 'dry-run': true });
    expect(log).toContain('app.conf | ');
    expect(log).toMatch(/ui \| .*move uploads to the new folder/);
    expect(log).toMatch(/app\.conf \| .*run the apply command/);
    expect([existsSync(here.config), existsSync(here.folder)]).toEqual([false, false]);
  });
});

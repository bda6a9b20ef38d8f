import { copyFileSync, readFileSync, renameSync, statSync, symlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { program, sha256 } from '../../support/programs.ts';
import { target, textOf } from '../../support/target.ts';

const STAYS = ['ended', 'handed', 'history', 'journal', 'last-release', 'live', 'lock', 'progress', 'releases'];

describe('a program started by hand as ./botserver in its folder', () => {
  it('is replaced: the new one serves under the same account, in its folder, with its output in the log', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const [before] = host.pids();
    const step = await host.deploy({ source: program('v2') });
    expect(step.log).toContain('state     active');
    expect(step.code).toBe(0);
    const health = await host.health();
    expect(health).toMatchObject({ version: 'v2', uid: host.service.uid, cwd: host.folder, stdin: '/dev/null' });
    expect(health?.pid).not.toBe(before);
    expect(host.pids()).toEqual([health?.pid]);
    expect(textOf(host.logFile)).toMatch(/v1 listens[\s\S]*v2 listens/);
    expect(statSync(host.destination)).toMatchObject({ uid: host.service.uid, gid: host.service.uid, mode: 0o100755 });
    expect(step.outputs).toMatchObject({
      state: 'active',
      changed: 'true',
      sha256: sha256(program('v2')),
      'previous-sha256': sha256(program('v1')),
      pid: String(health?.pid),
    });
    expect(JSON.parse(step.outputs.report ?? '')[0].phases.map(({ phase }: { phase: string }) => phase)).toEqual([
      'stop',
      'swap',
      'start',
      'stable',
      'accept',
    ]);
    expect(host.stateFiles()).toEqual(STAYS);
    expect(host.sshd.logins()).toBe(1);
  });

  it('is left alone when it is the wanted version already', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const [pid] = host.pids();
    const step = await host.deploy({ source: program('v1') });
    expect(step.outputs).toMatchObject({ state: 'unchanged', changed: 'false', 'bytes-sent': '0', pid: String(pid) });
    expect(host.pids()).toEqual([pid]);
    expect(host.stateFiles()).toEqual([]);
  });

  it('is left alone also by way of a link to its folder, and where its folder is written with a slash', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const [pid] = host.pids();
    const link = host.folder.replace(/bin$/, 'current');
    symlinkSync(host.folder, link);
    for (const given of [{ destination: `${link}/${host.name}` }, { 'working-directory': `${host.folder}/` }])
      expect((await host.deploy({ source: program('v1'), ...given })).outputs.state).toBe('unchanged');
    expect(host.pids()).toEqual([pid]);
  });

  it('may run in the root folder', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    await host.deploy({ source: program('v2'), 'working-directory': '/' });
    expect(await host.health()).toMatchObject({ version: 'v2', cwd: '/' });
  });

  it('is started again with other arguments though the file is the same', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const [pid] = host.pids();
    const step = await host.deploy({ source: program('v1'), args: `--port ${host.port} 'a "b" $(id)'` });
    expect(step.log).toContain(`pid ${pid} was started with different arguments`);
    expect(step.outputs).toMatchObject({ state: 'active', 'bytes-sent': '0' });
    const [now] = host.pids();
    expect(textOf(`/proc/${now}/cmdline`).split('\0')).toEqual([
      './botserver',
      '--port',
      String(host.port),
      'a "b" $(id)',
      '',
    ]);
  });

  it.each([
    ['', ''],
    [', and the destination leads there through a link', '../link/'],
  ])('is found and replaced although its file was overwritten behind its back%s', async (_, through) => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const [old] = host.pids();
    symlinkSync(host.folder, `${host.folder}/../link`);
    copyFileSync(program('v2'), `${host.destination}.new`);
    renameSync(`${host.destination}.new`, host.destination);
    const destination = resolve(host.folder, through, host.name);
    const step = await host.deploy({ source: program('v2'), destination, owner: host.service.name });
    expect(step.log).toContain(`running as pid ${old} (${host.service.name}, outdated image)`);
    expect(await host.health()).toMatchObject({ version: 'v2' });
    expect(host.pids()).not.toContain(old);
  });
});

describe('a first deploy', () => {
  it('puts the file there and starts it', async () => {
    await using host = await target();
    const step = await host.deploy({
      source: program('v1'),
      owner: `${host.service.name}:${host.service.name}`,
      mode: '0750',
    });
    expect(step.outputs).toMatchObject({ state: 'active', 'previous-sha256': '' });
    expect(await host.health()).toMatchObject({ version: 'v1', uid: host.service.uid });
    expect(statSync(host.destination).mode).toBe(0o100750);
  });

  it('removes the file again when the program does not hold', async () => {
    await using host = await target();
    const step = await host.deploy({ source: program('bad', 'exits at once'), owner: host.service.name });
    expect(step.code).toBe(1);
    expect(step.log).toContain(
      'state:  rolled-back. There was no previous version; the new file was removed and nothing is running.',
    );
    expect(textOf(host.destination)).toBe('');
  });
});

describe('an environment', () => {
  it('reaches the program and nobody else', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const secret = "s3cr3t 'quoted' $HOME";
    const step = await host.deploy({ source: program('v2'), environment: `APP_SECRET=${secret}\nAPP_EMPTY=` });
    expect((await host.health())?.env.sort()).toEqual(['APP_EMPTY=', `APP_SECRET=${secret}`]);
    expect(step.log.replace(/^::add-mask::.*$/gm, '')).not.toContain('s3cr3t');
    for (const file of host.stateFiles())
      expect(textOf(`${host.folder}/.botserver.deploy/${file === 'releases' ? 'live' : file}`)).not.toContain('s3cr3t');
  });

  it('of the old version is there again after a roll back', async () => {
    await using host = await target();
    await host.deploy({ source: program('v1'), owner: host.service.name, environment: 'APP_MODE=one' });
    const step = await host.deploy({ source: program('bad', 'exits at once'), environment: 'APP_MODE=two' });
    expect(step.outputs.state).toBe('rolled-back');
    expect(await host.health()).toMatchObject({ version: 'v1', env: ['APP_MODE=one'] });
  });
});

it('a program that shows a title in the place of its arguments and works in / is unchanged, and comes back with them', async () => {
  await using host = await target();
  const source = program('v1', 'shows a title');
  const first = await host.deploy({ source, owner: host.service.name });
  expect(first.outputs.state, first.log).toBe('active');
  expect(readFileSync(`/proc/${first.outputs.pid}/cmdline`, 'utf8')).toMatch(/^app: serving\0\0/);
  const again = await host.deploy({ source });
  expect(again.outputs.state, again.log).toBe('unchanged');
  const bad = await host.deploy({ source: program('bad', 'exits at once') });
  expect(bad.outputs.state, bad.log).toBe('rolled-back');
  expect(bad.log).toContain(
    'shows a title in the place of its arguments; a rollback starts it with those of this step',
  );
  expect(await host.health()).toMatchObject({ version: 'v1', cwd: '/' });
});

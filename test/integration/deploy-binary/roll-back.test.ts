import { describe, expect, it, vi } from 'vitest';
import { type Behaviour, program, sha256 } from '../../support/programs.ts';
import { shell, target, textOf } from '../../support/target.ts';

const BROKEN: [Behaviour, string][] = [
  ['exits at once', 'the process exited with code 3 after'],
  ['answers 500', 'answers 500, not 200-399'],
  ['never listens', 'not healthy within 2 s'],
  ['listens on the wrong port', 'not healthy within 2 s'],
  ['hangs', 'not healthy within 2 s'],
];

it('leaves a release alone that is requested again and already runs', async () => {
  await using host = await target();
  await host.startByHand(program('v1'));
  await host.deploy({ source: program('v2') });
  const back = { 'rollback-to': sha256(program('v1')).slice(0, 12) };
  expect((await host.deploy(back)).outputs.state).toBe('active');
  const [pid] = host.pids();
  expect((await host.deploy(back)).outputs.state).toBe('unchanged');
  expect(host.pids()).toEqual([pid]);
});

it('takes for `previous` the later of two that were kept within one second', async () => {
  await using host = await target();
  await host.startByHand(program('v1'));
  for (const version of ['v2', 'v3']) await host.deploy({ source: program(version) });
  const releases = `${host.folder}/.botserver.deploy/releases`;
  const [first, last] = [program('v1'), program('v2')].map(sha256).sort();
  // Those of an earlier version have no number.
  shell(`cd ${releases} && sed -i 2d *.about`);
  shell(`touch -d @1700000000.1 ${releases}/${first}.about && touch -d @1700000000.9 ${releases}/${last}.about`);
  expect((await host.deploy({ 'rollback-to': 'previous' })).outputs).toMatchObject({ state: 'active', sha256: last });
});

describe('keeps the old program serving when the new one', () => {
  it.each(BROKEN)('%s', async (behaviour, why) => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const step = await host.deploy({ source: program('bad', behaviour), 'health-timeout-seconds': 2 });
    expect(step.code).toBe(1);
    expect(step.log).toContain(why);
    expect(step.outputs.state).toBe('rolled-back');
    const health = await host.health();
    expect(health).toMatchObject({ version: 'v1', uid: host.service.uid, cwd: host.folder, stdin: '/dev/null' });
    expect(step.outputs.pid).toBe(String(health?.pid));
    expect(step.log).toContain(
      `state:  rolled-back. The previous version (sha256 ${sha256(program('v1')).slice(0, 12)}) is running again as pid ${health?.pid}.`,
    );
    expect(sha256(host.destination)).toBe(sha256(program('v1')));
    expect(host.pids()).toEqual([health?.pid]);
  });

  it('ends before it is healthy, which is noticed at once', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const step = await host.deploy({
      source: program('bad', 'exits after 900 ms'),
      'health-url': undefined,
      'health-command': `curl -s http://localhost:${host.port}/api/health | grep -q '"version":"v1"'`,
      'health-timeout-seconds': 30,
    });
    expect(step.outputs.state, step.log).toBe('rolled-back');
    expect(step.log).toMatch(/why: {4}the process exited with code 3 after (0\.9|1\.\d) s\./);
    expect(Number(step.outputs['duration-ms'])).toBeLessThan(25_000);
  });

  it('crashes within the stable window', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const step = await host.deploy({ source: program('bad', 'exits after 900 ms'), 'stable-seconds': 2 });
    expect(step.log).toMatch(/why: {4}the process exited with code 3 after (0\.9|1\.\d) s\./);
    expect(step.log).toContain('output: | bad listens on');
    expect(step.log).toContain('| fatal: out of cheese');
    expect(step.outputs.state).toBe('rolled-back');
    expect(await host.health()).toMatchObject({ version: 'v1' });
  });

  it('does not listen on health-port itself', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const step = await host.deploy({
      source: program('bad', 'never listens'),
      'health-url': undefined,
      'health-port': host.port,
      'health-timeout-seconds': 2,
    });
    expect(step.log).toContain(`does not listen on port ${host.port}`);
    expect(step.outputs.state).toBe('rolled-back');
    expect(await host.health()).toMatchObject({ version: 'v1' });
  });

  it('fails its health command', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const step = await host.deploy({
      source: program('v2'),
      'health-command': `curl -s localhost:${host.port} | grep -q v1`,
      'health-timeout-seconds': 2,
    });
    expect(step.log).toContain('the health command exited with code 1');
    expect(step.outputs.state).toBe('rolled-back');
    expect(await host.health()).toMatchObject({ version: 'v1' });
  });

  it('lacks the text that its health answer must contain, which is not required of the old one', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const step = await host.deploy({
      source: program('v2'),
      'health-contains': '"version":"v3"',
      'health-timeout-seconds': 2,
    });
    expect(step.log).toContain(`answers 200 without '"version":"v3"'`);
    expect(step.outputs.state).toBe('rolled-back');
  });
});

describe('stopping', () => {
  it('kills a program that ignores TERM, and says so', async () => {
    await using host = await target();
    await host.startByHand(program('stubborn', 'ignores TERM'));
    const step = await host.deploy({ source: program('v2'), 'stop-timeout-seconds': 1 });
    expect(step.log).toMatch(/pid \d+ did not exit within 1 s of TERM; sending KILL/);
    expect(await host.health()).toMatchObject({ version: 'v2' });
    expect(host.pids()).toHaveLength(1);
  });

  it('follows a program that puts itself into the background', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const step = await host.deploy({ source: program('daemon', 'forks away') });
    expect(step.outputs.state).toBe('active');
    const health = await host.health();
    expect(health).toMatchObject({ version: 'daemon' });
    expect(step.outputs.pid).toBe(String(health?.pid));
  });
});

describe('when the rollback fails too', () => {
  it('is broken and says so', async () => {
    await using host = await target();
    await host.startByHand(program('only-once'));
    const marker = `${host.folder}/started`;
    const step = await host.deploy({
      source: program('bad', 'exits at once'),
      'health-command': `! test -e ${marker} || { rm ${marker}; exit 1; }; exit 1`,
      'health-timeout-seconds': 1,
    });
    expect(step.outputs.state).toBe('broken');
    expect(step.log).toContain('state:  broken. The previous version was restored, but not healthy within 1 s');
  });

  it('is not needed where nothing ran and the port is held by a stranger: all stays as it was', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    for (const pid of host.pids()) process.kill(pid, 'SIGKILL');
    await vi.waitFor(async () => expect(await host.health()).toBeUndefined(), 10_000);
    const squatter = await host.startSquatter(program('v1'));
    const step = await host.deploy({ source: program('v2') });
    expect(step.code).toBe(1);
    expect(step.outputs.state, step.log).toBe('staged');
    expect(step.log).toContain(`port ${host.port} is held by another process: pid ${squatter}`);
    expect(sha256(host.destination)).toBe(sha256(program('v1')));
    expect(host.pids()).toEqual([]);
    process.kill(squatter, 'SIGKILL');
    expect((await host.deploy({ source: program('v2') })).outputs.state).toBe('active');
  });

  it('is not tried with rollback: false', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const step = await host.deploy({ source: program('bad', 'exits at once'), rollback: false });
    expect(step.outputs.state).toBe('broken');
    expect(step.log).toContain('state:  broken. Rollback is disabled (`rollback: false`).');
    expect(step.log).toContain('why:    the process exited with code 3 after');
    expect(step.log).toContain('output: | fatal: out of cheese');
    expect(sha256(host.destination)).toBe(sha256(program('bad', 'exits at once')));
  });
});

describe('rollback-to', () => {
  it('activates the previous release, and then the one before again', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    await host.deploy({ source: program('v2') });
    const back = await host.deploy({ 'rollback-to': 'previous' });
    expect(back.outputs).toMatchObject({ state: 'active', sha256: sha256(program('v1')), 'bytes-sent': '0' });
    expect(await host.health()).toMatchObject({ version: 'v1' });
    const forth = await host.deploy({ 'rollback-to': sha256(program('v2')).slice(0, 8) });
    expect(forth.outputs.state).toBe('active');
    expect(await host.health()).toMatchObject({ version: 'v2' });
    expect(textOf(`${host.folder}/.botserver.deploy/history`).trim().split('\n')).toHaveLength(3);
  });

  it('says which releases are kept when it finds none', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const step = await host.deploy({ 'rollback-to': 'previous' });
    expect(step.outputs.state).toBe('untouched');
    expect(step.log).toContain('why:    no kept release matches previous; available: none.');
  });
});

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { program, sha256 } from '../../support/programs.ts';
import { shell, type TestTarget, target, textOf } from '../../support/target.ts';

const stateOf = (host: TestTarget) => `${host.folder}/.botserver.deploy`;
const releaseOf = (host: TestTarget, path: string) => `${stateOf(host)}/releases/${sha256(path)}`;

/** A file system of that many kilobytes, gone at the end of the scope. */
function smallDisk(options: string): Disposable & { folder: string } {
  const folder = mkdtempSync('/opt/fdt-disk-');
  shell(`mount -t tmpfs -o mode=755,${options} fdt-test ${folder}`);
  return {
    folder,
    [Symbol.dispose]: () => {
      shell(`umount -l ${folder}`);
      rmSync(folder, { recursive: true });
    },
  };
}

describe('a journal that can not be written', () => {
  it('ends the deploy before anything is stopped, and no phase goes into the journal of an earlier one', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    await host.deploy({ source: program('v2') });
    const before = textOf(`${stateOf(host)}/journal`);
    const { pid } = (await host.health()) ?? {};
    mkdirSync(`${stateOf(host)}/journal.new`);
    const step = await host.deploy({ source: program('v3') });
    expect(step.outputs.state, step.log).toBe('staged');
    expect(step.log).toContain('why:    the journal could not be written: ');
    expect(textOf(`${stateOf(host)}/journal`)).toBe(before);
    expect(await host.health()).toMatchObject({ version: 'v2', pid });
    rmdirSync(`${stateOf(host)}/journal.new`);
    expect((await host.deploy({ source: program('v3') })).outputs.state).toBe('active');
  });

  it('nor a lock is reported as the reason', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    await host.deploy({ source: program('v2') });
    shell(`rm ${stateOf(host)}/lock && mkdir ${stateOf(host)}/lock`);
    const step = await host.deploy({ source: program('v3') });
    expect(step.outputs.state, step.log).toBe('untouched');
    expect(step.log).toContain('/lock could not be written: ');
    expect(await host.health()).toMatchObject({ version: 'v2' });
  });
});

describe('a disk', () => {
  it.each([
    ['stop', 'active'],
    ['stable', 'active'],
  ])('that is full from the phase %s on costs neither the history nor the answer', async (phase, state) => {
    using disk = smallDisk('size=16m');
    await using host = await target({ base: disk.folder });
    await host.startByHand(program('v1', 'ignores TERM'));
    await host.deploy({ source: program('v2', 'ignores TERM'), 'stop-timeout-seconds': 1 });
    // The next line begins at the end of a block.
    const history = `${stateOf(host)}/history`;
    writeFileSync(history, '2026-01-01T00:00:00Z - an earlier run ada active\n'.repeat(100).slice(-4090));
    const lines = textOf(history).split('\n').length;
    const step = host.startDeploy({ source: program('v3'), 'stop-timeout-seconds': 1, 'stable-seconds': 1.5 });
    await step.saw(`${phase.padEnd(16)}`);
    shell(`cat /dev/zero >${host.folder}/../ballast 2>/dev/null || true`);
    const { outputs, log } = await step.ended;
    expect(outputs.state, log).toBe(state);
    expect(textOf(`${stateOf(host)}/journal`)).toMatch(/\nphase=end\n$/);
    expect(textOf(history).split('\n')).toHaveLength(lines + 1);
    expect(textOf(history)).toMatch(/\n20\S+ [0-9a-f]{64} https:\S+ ada active\n$/);
    // Which run is live, for the guard against older ones.
    expect(textOf(`${stateOf(host)}/live`)).toContain('/actions/runs/7');
    expect(host.stateFiles()).not.toContain('history.new');
    shell(`rm ${host.folder}/../ballast`);
    expect((await host.deploy({ source: program('v3') })).outputs.state).toBe('unchanged');
  });

  it('with few inodes is refused before anything is sent', async () => {
    using disk = smallDisk('size=16m,nr_inodes=24');
    await using host = await target({ base: disk.folder });
    await host.startByHand(program('v1'));
    const step = await host.deploy({ source: program('v2'), strategy: 'in-place' });
    expect(step.outputs.state, step.log).toBe('untouched');
    expect(step.log).toMatch(/why: {4}20 inodes needed, \d+ free on/);
    expect(await host.health()).toMatchObject({ version: 'v1' });
  });

  it('with room for one version and a packed one has the way back in it, in-place', async () => {
    using disk = smallDisk('size=9m');
    await using host = await target({ base: disk.folder });
    await host.startByHand(program('v1', 'healthy', 6e6));
    const inputs = { strategy: 'in-place', transfer: 'plain' };
    const step = await host.deploy({ ...inputs, source: program('bad', 'exits at once', 6e6) });
    expect(step.outputs.state, step.log).toBe('rolled-back');
    expect(await host.health()).toMatchObject({ version: 'v1' });
    const large = await host.deploy({ ...inputs, source: program('v2', 'healthy', 9e6) });
    expect(large.outputs.state, large.log).toBe('untouched');
    expect(await host.health()).toMatchObject({ version: 'v1' });
  });
});

describe('a release', () => {
  it('that was half packed when the power failed is packed again, in-place', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    await host.deploy({ source: program('v2'), strategy: 'in-place' });
    const packed = `${releaseOf(host, program('v2'))}.zst`;
    shell(`zstd -q -c ${program('v2')} | head -c 5000 >${packed}`);
    const step = await host.deploy({ source: program('bad', 'exits at once'), strategy: 'in-place' });
    expect(step.outputs.state, step.log).toBe('rolled-back');
    expect(await host.health()).toMatchObject({ version: 'v2' });
  });

  it('whose bytes were changed in the meantime is not restored, unless another file has them', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const spoil = async (packed: boolean) => {
      const step = host.startDeploy({ source: program('bad', 'never listens'), 'health-timeout-seconds': 3 });
      await step.saw('start           ');
      if (packed) shell(`zstd -q -c ${program('v1')} >${releaseOf(host, program('v1'))}.zst`);
      shell(`printf X | dd of=${releaseOf(host, program('v1'))} bs=1 seek=5000 conv=notrunc status=none`);
      return step.ended;
    };
    const good = await spoil(true);
    expect(good.outputs.state, good.log).toBe('rolled-back');
    expect(sha256(host.destination)).toBe(sha256(program('v1')));
    const bad = await spoil(false);
    expect(bad.outputs.state, bad.log).toBe('broken');
    expect(bad.log).toContain('was changed after it was kept; it is not used');
    expect(host.pids()).toEqual([]);
  });

  it('is the previous one by the order of deploys, whatever the clock said', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    await host.deploy({ source: program('v2') });
    shell(`touch -d '1 year' ${releaseOf(host, program('v1'))}.about`);
    await host.deploy({ source: program('v3') });
    const back = await host.deploy({ 'rollback-to': 'previous' });
    expect(back.outputs).toMatchObject({ state: 'active', sha256: sha256(program('v2')) });
    shell(`touch -d '1 year' ${releaseOf(host, program('v1'))}.about`);
    await host.deploy({ source: program('v4'), 'keep-releases': 1 });
    const kept = readdirSync(`${stateOf(host)}/releases`).filter((name) => name.endsWith('.about'));
    expect(kept).toEqual([`${sha256(program('v2'))}.about`]);
  });

  it('of an earlier version is read, its group with a blank and no number', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    await host.deploy({ source: program('v2'), strategy: 'in-place' });
    const about = `${releaseOf(host, program('v1'))}.about`;
    writeFileSync(about, `${host.service.name}:domain users 0755 2026-01-02T03:04:05Z a run outside a workflow\n`);
    const back = await host.deploy({ 'rollback-to': 'previous', owner: host.service.name });
    expect(back.log).toContain('the metadata of the kept release');
    expect(back.outputs.state).toBe('untouched');
    writeFileSync(about, `${host.service.name}:${host.service.name} 0755 2026-01-02T03:04:05Z a run\n`);
    expect((await host.deploy({ 'rollback-to': 'previous' })).outputs.state).toBe('active');
  });
});

describe('after a power cut', () => {
  it('the old bytes are not taken for the new version, though the journal says that it was accepted', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    await host.deploy({ source: program('v2') });
    for (const pid of host.pids()) process.kill(pid, 'SIGKILL');
    const journal = `${stateOf(host)}/journal`;
    writeFileSync(journal, textOf(journal).replace(/phase=end\n$/, ''));
    const owner = host.service.name;
    shell(
      `cd ${host.folder} && cp ${program('v1')} x && chown ${owner}:${owner} x && chmod 755 x && mv x ${host.name}`,
    );
    const next = await host.deploy({ source: program('v2') });
    expect(next.log).toContain('was interrupted during `accept`');
    expect(next.log).toContain('  finished: rolled-back');
    expect(next.outputs.state, next.log).toBe('active');
    expect(await host.health()).toMatchObject({ version: 'v2' });
  });

  it.each(['ln -s /etc/hostname', 'mkfifo'])(
    'a path that became another kind meanwhile, by %s, is put right',
    async (make) => {
      await using host = await target();
      await host.startByHand(program('v1'));
      await host.deploy({ source: program('v2') });
      for (const pid of host.pids()) process.kill(pid, 'SIGKILL');
      const journal = `${stateOf(host)}/journal`;
      writeFileSync(journal, textOf(journal).replace(/phase=end\n$/, ''));
      shell(`rm ${host.destination} && ${make} ${host.destination}`);
      const next = await host.deploy({ source: program('v2') });
      expect(next.log).toContain('  finished: rolled-back');
      expect(next.outputs.state, next.log).toBe('active');
      expect(await host.health()).toMatchObject({ version: 'v2' });
    },
  );

  it('what was remembered of the file is not believed, nor what is remembered of the same second', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    await host.deploy({ source: program('v2'), 'stable-seconds': 1.2 });
    const live = `${stateOf(host)}/live`;
    const lines = textOf(live).split('\n');
    const lie = (line = '') => line.replace(/^\w+/, sha256(program('v3')));
    const found = async () => (await host.deploy({ source: program('v3'), 'dry-run': true })).log;
    const told = (path: string) => `Found ${host.destination}: sha256 ${sha256(path).slice(0, 12)}`;
    // As long as nothing changed it is believed, and saves reading the file.
    writeFileSync(live, [lie(lines[0]), ...lines.slice(1)].join('\n'));
    expect(await found()).toContain(told(program('v3')));
    writeFileSync(live, [lie(lines[0]), ...lines.slice(1, 5), `another-boot 9999999999`, ''].join('\n'));
    expect(await found()).toContain(told(program('v2')));
    const [boot = ''] = lines[5]?.split(' ') ?? [];
    const changed = shell(`stat -c %Z ${host.destination}`).trim();
    writeFileSync(live, [lie(lines[0]), ...lines.slice(1, 5), `${boot} ${changed}`, ''].join('\n'));
    expect(await found()).toContain(told(program('v2')));
    // As an earlier version wrote it.
    const old = shell(`stat -c '%d %i %s %Y %Z' ${host.destination}`).trim();
    writeFileSync(live, [`${sha256(program('v3'))} ${old}`, ...lines.slice(1, 5), ''].join('\n'));
    expect(await found()).toContain(told(program('v2')));
  });
});

describe('old tools are noticed while the old program runs:', () => {
  const OLD_MV =
    '#!/bin/busybox sh\ncase $1 in -*T*) echo "mv: invalid option -- T" >&2; exit 1 ;; esac\nexec busybox mv "$@"\n';

  it('a mv without -T, whose work perl does', async () => {
    const mv = `${mkdtempSync('/tmp/fdt-tools-')}/mv`;
    writeFileSync(mv, OLD_MV, { mode: 0o755 });
    await using host = await target({ instead: { mv } });
    await host.startByHand(program('v1'));
    const step = await host.deploy({ source: program('v2') });
    expect(step.outputs.state, step.log).toBe('active');
    await using bare = await target({ instead: { mv, perl: '/dev/null' } });
    await bare.startByHand(program('v1'));
    const { pid } = (await bare.health()) ?? {};
    const refused = await bare.deploy({ source: program('v2') });
    expect(refused.outputs.state, refused.log).toBe('untouched');
    expect(refused.log).toContain('`mv` on the target has no option -T');
    expect(await bare.health()).toMatchObject({ version: 'v1', pid });
    // Where nobody else can write to the folder, no such option is needed.
    shell(`chown root:root ${bare.folder} && chmod 755 ${bare.folder}`);
    const own = await bare.deploy({ source: program('v2') });
    expect(own.outputs.state, own.log).toBe('active');
    rmSync(mv.replace(/\/mv$/, ''), { recursive: true });
  });
});

describe('a transaction that is killed while another run waits for its lock', () => {
  it('is finished by that run, and its own learns so within seconds', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const killed = host.startDeploy({ source: program('v2'), 'stable-seconds': 8 });
    await killed.saw('stable          ');
    const waits = host.startDeploy(
      { source: program('v3'), 'lock-timeout-seconds': 60, 'stable-seconds': 6 },
      { GITHUB_RUN_NUMBER: '8' },
    );
    await waits.saw('transfer        ');
    const [, pid] = textOf(`${stateOf(host)}/handed`).split(' ');
    const killedAt = Date.now();
    process.kill(Number(pid), 'SIGKILL');
    const { outputs, log } = await killed.ended;
    expect(outputs.state, log).toBe('rolled-back');
    expect(Date.now() - killedAt).toBeLessThan(30_000);
    const after = await waits.ended;
    expect(after.outputs.state, after.log).toBe('active');
    expect(await host.health()).toMatchObject({ version: 'v3' });
    // What never was proved is no release.
    expect(existsSync(releaseOf(host, program('v2')))).toBe(false);
  });
});

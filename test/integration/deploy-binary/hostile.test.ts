import { spawn } from 'node:child_process';
import { chownSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { about, SWAPS, tidy } from '../../support/hostile.ts';
import { program } from '../../support/programs.ts';
import { shell, target } from '../../support/target.ts';

describe('root is not lent to a service account that swaps, in a loop,', () => {
  it.each(SWAPS)('%s', async (_, loop) => {
    await using host = await target();
    const root = host.folder.replace(/\/bin$/, '');
    const canary = `${root}-canary`;
    chownSync(root, host.service.uid, host.service.uid);
    mkdirSync(canary, { mode: 0o711 });
    writeFileSync(`${canary}/secret`, 'root alone\n', { mode: 0o600 });
    const before = about(canary);
    await host.startByHand(program('v1'));
    const attacker = spawn(
      'su',
      [
        '-s',
        '/bin/sh',
        host.service.name,
        '-c',
        `while :; do ${loop({ root, canary, name: host.name })}; done 2>/dev/null`,
      ],
      { stdio: 'ignore', detached: true },
    );
    try {
      for (const version of ['v2', 'v3', 'v4']) {
        const { log } = await host.deploy({
          source: program(version),
          'health-timeout-seconds': 1,
          'stop-timeout-seconds': 1,
        });
        expect(log).not.toContain('root alone');
        expect(about(canary)).toEqual(before);
      }
    } finally {
      process.kill(-(attacker.pid ?? 0), 'SIGKILL');
      shell(`pkill -KILL -u ${host.service.name} || true`);
    }
    tidy(host, root);
    const after = await host.deploy({ source: program('v5'), owner: host.service.name, mode: '0755' });
    expect(after.log).toContain('state     active');
    expect(about(canary)).toEqual(before);
    rmSync(canary, { recursive: true });
  });
});

describe('secrets', () => {
  it('are in no argument list at any instant, in no log, and in no file of either side', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const secret = 'Tr0ub4dor-and-3';
    const seen = new Set<string>();
    let looking = true;
    const sampler = (async () => {
      while (looking) {
        for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
          try {
            const words = readFileSync(`/proc/${name}/cmdline`, 'utf8');
            if (words.includes(secret) || words.includes('PRIVATE KEY')) seen.add(words);
          } catch {
            // It ended meanwhile.
          }
        }
        await sleep(1);
      }
    })();
    const inputs = { environment: `APP_TOKEN=${secret}`, 'stop-timeout-seconds': 1 };
    const good = await host.deploy({ ...inputs, source: program('v2') });
    const bad = await host.deploy({ ...inputs, source: program('bad', 'exits at once') });
    const keyLine = host.sshd.key.split('\n')[2] ?? '';
    looking = false;
    await sampler;
    expect([good.outputs.state, bad.outputs.state]).toEqual(['active', 'rolled-back']);
    expect((await host.health())?.env).toEqual([`APP_TOKEN=${secret}`]);
    expect([...seen]).toEqual([]);
    for (const { log, state, outputs, summary } of [good, bad]) {
      const told = log.replace(/^::add-mask::.*$/gm, '') + JSON.stringify([state, outputs, summary]);
      expect(told).not.toContain(secret);
      expect(told).not.toContain(keyLine);
    }
    const grep = (text: string) => shell(`grep -rlF -- '${text}' ${host.folder} /tmp/fdt-step-* 2>/dev/null || true`);
    expect(grep(secret)).toBe('');
    expect(grep(keyLine)).toBe('');
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import program from '../../../lib/ssh/hold-master.sh';

/** Starts `sleep` in the place of ssh, held by a descriptor of this process. */
function held(shell: readonly string[]) {
  const folder = mkdtempSync('/tmp/fdt-held-');
  const [command = '', ...words] = shell;
  const child = spawn(command, [...words, '-c', program, 'hold-master', folder, 'sleep', '60'], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    detached: true,
  });
  const group = child.pid as number;
  return {
    folder,
    child,
    hold: child.stdio[3] as Writable,
    isThere: () => {
      try {
        process.kill(-group, 0);
        return true;
      } catch {
        return false;
      }
    },
    [Symbol.dispose]: () => {
      rmSync(folder, { recursive: true, force: true });
      try {
        process.kill(-group, 'SIGKILL');
      } catch {
        // As it should be.
      }
    },
  };
}

describe.each([[['dash']], [['bash', '--posix']], [['busybox', 'ash']]])('a master held by %j', (shell) => {
  it('ends with its whole group and its folder when the descriptor closes', async () => {
    using one = held(shell);
    await expect
      .poll(() => readFileSync(`/proc/${one.child.pid}/cmdline`, 'latin1'), { timeout: 5000 })
      .toBe('sleep\x0060\x00');
    const ended = once(one.child, 'exit');
    one.hold.destroy();
    expect((await ended)[1]).toBe('SIGTERM');
    await expect.poll(one.isThere, { timeout: 10_000 }).toBe(false);
    expect(existsSync(one.folder)).toBe(false);
  });

  it('is left alone by a line, with which the step takes it over', async () => {
    using one = held(shell);
    one.hold.end('done\n');
    // Nobody waits for the shell that has ended: a zombie.
    await expect.poll(() => childrenOf(one.child.pid), { timeout: 10_000 }).toEqual(['Z']);
    expect(one.child.exitCode).toBeNull();
    expect(existsSync(one.folder)).toBe(true);
  });
});

/** States of its children. */
function childrenOf(pid: number | undefined): (string | undefined)[] {
  const pids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  return pids.map((child) => /\) (\S)/.exec(readFileSync(`/proc/${child}/stat`, 'utf8'))?.[1]);
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { image } from './images.ts';

const GUARD = new URL('./guard.mjs', import.meta.url).pathname;
const DOWN_LIMIT_MS = 90_000;

/** Before e2e tests: LXD runs and has the images. Its end takes everything down, however it comes. */
export default async function setup(): Promise<() => Promise<void>> {
  const guard = spawn('flock', ['-o', '-w', '600', '/run/fdt-lxd.lock', process.execPath, GUARD], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  const ended = once(guard, 'exit');
  const down = async () => {
    guard.stdin.end();
    const limit = setTimeout(() => process.kill(-(guard.pid ?? 0), 'SIGKILL'), DOWN_LIMIT_MS);
    await ended;
    clearTimeout(limit);
  };
  try {
    const [answer] = await Promise.race([once(guard.stdout.setEncoding('utf8'), 'data'), ended]);
    if (answer !== 'ready\n') throw new Error(`LXD could not be started: ${answer}`);
    await Promise.all((['debian', 'uutils', 'busybox'] as const).map(image));
  } catch (error) {
    await down();
    throw error;
  }
  return down;
}

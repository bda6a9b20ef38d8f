import { run } from './run.mjs';

/** The sources are of the types they say; gives the compiler's findings. */
export async function check() {
  const { code, output } = await run('node_modules/.bin/tsc', ['--noEmit', '--pretty', 'false'], { limitSeconds: 120 });
  return code === 0 ? undefined : output;
}

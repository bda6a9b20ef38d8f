import { run } from './run.mjs';

/** Every file is formatted and free of what the linter knows; gives its findings. */
export async function check() {
  const { code, output } = await run('node_modules/.bin/biome', ['check', '--colors=off', '.'], { limitSeconds: 120 });
  return code === 0 ? undefined : output;
}

import { spawnSync } from 'node:child_process';
import { build } from 'esbuild';

// It shares the tests' git server and proxy, which are TypeScript.
const outfile = new URL('../../.cache/bench-bump.mjs', import.meta.url).pathname;
await build({
  entryPoints: ['scripts/bench/bump.ts'],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'warning',
});
process.exitCode = spawnSync(process.execPath, [outfile], { stdio: 'inherit' }).status ?? 1;

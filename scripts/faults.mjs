import { spawnSync } from 'node:child_process';
import { build } from 'esbuild';
import { buildAll } from './build.mjs';

// It shares the tests' sshd, proxy and programs, which are TypeScript, and runs the actions as the sources are now.
const outfile = new URL('../.cache/faults.mjs', import.meta.url).pathname;
await buildAll(new URL('../.cache/bundles', import.meta.url).pathname);
await build({
  entryPoints: ['test/faults/main.ts'],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  external: ['*.node', 'cpu-features', 'ssh2'],
  logLevel: 'warning',
});
process.exitCode = spawnSync(process.execPath, [outfile, ...process.argv.slice(2)], { stdio: 'inherit' }).status ?? 1;

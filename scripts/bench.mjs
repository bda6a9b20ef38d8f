import { spawnSync } from 'node:child_process';
import { build } from 'esbuild';

// The benchmarks share the tests' sshd, proxy and accounts, which are TypeScript.
const outfile = new URL('../.cache/bench.mjs', import.meta.url).pathname;
await build({
  entryPoints: ['scripts/bench/main.ts'],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'warning',
});
process.exitCode = spawnSync(process.execPath, [outfile, ...process.argv.slice(2)], { stdio: 'inherit' }).status ?? 1;

import { spawnSync } from 'node:child_process';
import { build } from 'esbuild';
import { shPlugin } from './sh-program.mjs';

// The benchmarks share the tests' servers, proxy and accounts, which are TypeScript.
const outfile = new URL('../.cache/bench.mjs', import.meta.url).pathname;
await build({
  entryPoints: ['scripts/bench/main.ts'],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  // CommonJS, which can't be part of a module that awaits at its top.
  external: ['node-ssh', 'ssh2'],
  plugins: [shPlugin],
  logLevel: 'warning',
});
process.exitCode = spawnSync(process.execPath, [outfile, ...process.argv.slice(2)], { stdio: 'inherit' }).status ?? 1;

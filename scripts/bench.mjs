import { spawnSync } from 'node:child_process';
import { build } from 'esbuild';

/** What `npm run bench` runs, and what `npm run bench -- bump`. */
const PROGRAMS = {
  main: "import './scripts/bench/main.ts';",
  bump: "import { benchBump } from './scripts/bench/bump.ts'; await benchBump();",
};

const [first, ...rest] = process.argv.slice(2);
const [name, words] = first in PROGRAMS ? [first, rest] : ['main', process.argv.slice(2)];
// The benchmarks share the tests' servers, proxy and accounts, which are TypeScript.
const outfile = new URL('../.cache/bench.mjs', import.meta.url).pathname;
await build({
  stdin: { contents: PROGRAMS[name], resolveDir: new URL('..', import.meta.url).pathname },
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'warning',
});
process.exitCode = spawnSync(process.execPath, [outfile, ...words], { stdio: 'inherit' }).status ?? 1;

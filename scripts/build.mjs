import { writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { assemblyPlugin } from './assembly.mjs';
import { actionNames } from './checks/imports.mjs';
import { leanPlugin } from './lean-modules.mjs';
import { licencesText } from './licences.mjs';
import { shPlugin } from './sh-program.mjs';

const OPTIONS = {
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  minify: true,
  keepNames: true,
  legalComments: 'none',
  charset: 'utf8',
  // ssh2 loads its native addons inside try/catch; without them the bundle is the same built or not.
  external: ['*.node', 'cpu-features'],
  logLevel: 'warning',
};

/** Builds every bundle into `outdir`: one self-contained CommonJS file per action, the demo, and the licences of what is in them. */
export async function buildAll(outdir) {
  const results = await Promise.all([buildActions(outdir, { metafile: true }), buildDemo(outdir)]);
  writeFileSync(`${outdir}/LICENSES.txt`, await licencesText(results.map(({ metafile }) => metafile)));
}

/** Builds the actions' bundles; the result's metafile says what is in them. */
export function buildActions(outdir, options = {}) {
  return build({
    ...OPTIONS,
    entryPoints: Object.fromEntries(actionNames().map((name) => [name, `actions/${name}/main.ts`])),
    outdir,
    plugins: [shPlugin, assemblyPlugin, leanPlugin],
    ...options,
  });
}

/** The demo has an SSH server of its own: ssh2 as it is. */
function buildDemo(outdir) {
  return build({
    ...OPTIONS,
    entryPoints: { demo: 'scripts/demo/main.ts' },
    outdir,
    plugins: [shPlugin],
    metafile: true,
  });
}

if (process.argv[1] === new URL(import.meta.url).pathname) await buildAll('dist');

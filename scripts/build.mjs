import { existsSync, readdirSync } from 'node:fs';
import { build } from 'esbuild';
import { shPlugin } from './sh-program.mjs';

const OIDC_STUB = new URL('./oidc-stub.mjs', import.meta.url).pathname;

/** Builds every bundle into `outdir`: one self-contained CommonJS file per action, and the demo. */
export async function buildAll(outdir) {
  await build({
    entryPoints: entryPoints(),
    outdir,
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
    // @actions/core drags an HTTP client (415 kB, undici) in for OIDC alone, which nothing here uses.
    alias: { '@actions/http-client': OIDC_STUB, '@actions/http-client/lib/auth': OIDC_STUB },
    plugins: [shPlugin],
    logLevel: 'warning',
  });
}

function entryPoints() {
  const actions = readdirSync('actions', { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const entries = Object.fromEntries(actions.map(({ name }) => [name, `actions/${name}/main.ts`]));
  return existsSync('scripts/demo/main.ts') ? { ...entries, demo: 'scripts/demo/main.ts' } : entries;
}

if (process.argv[1] === new URL(import.meta.url).pathname) await buildAll('dist');

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

const INCLUDE = /^\. (\S+\.sh)$/;

/**
 * The text of one `.sh` program as a target receives it: every `. ./other.sh` line replaced by that file (once),
 * full-line comments and indentation removed. Every byte of it is sent on every run.
 */
export function shProgram(path, seen) {
  return shSource(path, seen)
    .split('\n')
    .map((line) => line.trimStart())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .join('\n');
}

/** The same as it was written, comments and all: what shellcheck reads. */
export function shSource(path, seen = new Set()) {
  seen.add(path);
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const include = INCLUDE.exec(line)?.[1];
      if (!include) return line;
      const included = resolve(dirname(path), include);
      return seen.has(included) ? [] : shSource(included, seen).split('\n');
    })
    .join('\n');
}

/** esbuild: `import program from './x.sh'` gives its text, and that of a `.pl` too. */
export const shPlugin = {
  name: 'sh-program',
  setup(build) {
    build.onLoad({ filter: /\.(sh|pl)$/ }, ({ path }) => {
      const files = new Set();
      return { contents: shProgram(path, files), loader: 'text', watchFiles: [...files] };
    });
  },
};

/** vite: the same for tests that import the sources. */
export const shVitePlugin = {
  name: 'sh-program',
  enforce: 'pre',
  load(id) {
    if (!/\.(sh|pl)$/.test(id)) return null;
    const files = new Set();
    const text = shProgram(id, files);
    for (const file of files) this.addWatchFile(file);
    return `export default ${JSON.stringify(text)}`;
  },
};

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

const INCLUDE = /^\. (\S+\.sh)$/;

/**
 * The text of one `.sh` program as a target receives it: every `. ./other.sh` line replaced by that file (once),
 * full-line comments and indentation removed. Every byte of it is sent on every run.
 */
export function shProgram(path, seen = new Set()) {
  seen.add(path);
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const include = INCLUDE.exec(line)?.[1];
      if (!include) return line.trimStart();
      const included = resolve(dirname(path), include);
      return seen.has(included) ? [] : shProgram(included, seen).split('\n');
    })
    .filter((line) => line !== '' && !line.startsWith('#'))
    .join('\n');
}

/** esbuild: `import program from './x.sh'` gives its text. */
export const shPlugin = {
  name: 'sh-program',
  setup(build) {
    build.onLoad({ filter: /\.sh$/ }, ({ path }) => {
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
    if (!id.endsWith('.sh')) return null;
    const files = new Set();
    const text = shProgram(id, files);
    for (const file of files) this.addWatchFile(file);
    return `export default ${JSON.stringify(text)}`;
  },
};

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

const INCLUDE = /^\. (\S+\.sh)$/;

/**
 * The text of one `.sh` program as a target receives it: every `. ./other.sh` line replaced by that file (once), functions that
 * nothing in it names left out, full-line comments and indentation removed. Every byte of it is sent on every run.
 */
export function shProgram(path, seen) {
  const lines = shSource(path, seen)
    .split('\n')
    .filter((line) => line !== '' && !/^\s*#/.test(line));
  return path.endsWith('.sh') ? reachable(lines).join('\n') : lines.map((line) => line.trimStart()).join('\n');
}

const FUNCTION = /^(\w+)\(\) [{(]$/;
// Not a line of a text such as `}exec …`.
const FUNCTION_END = /^[})]( |$)/;

/**
 * What the lines outside of functions reach, by the words that stand in it: a function whose name is a word of reached text stays,
 * so that one that is handed on by name (`show_units "$user" judge_unit`) does too.
 */
function reachable(lines) {
  const functions = new Map();
  let open;
  const parts = [];
  for (const line of lines) {
    const name = open ? undefined : FUNCTION.exec(line)?.[1];
    if (name) {
      open = { lines: [], kept: false };
      functions.set(name, open);
      parts.push(open);
    }
    if (open) open.lines.push(line.trimStart());
    else parts.push({ lines: [line.trimStart()], kept: true });
    if (open && FUNCTION_END.test(line)) open = undefined;
  }
  const queue = parts.filter(({ kept }) => kept);
  for (const part of queue) {
    for (const word of part.lines.join('\n').match(/\w+/g) ?? []) {
      const called = functions.get(word);
      if (!called || called.kept) continue;
      called.kept = true;
      queue.push(called);
    }
  }
  return parts.filter(({ kept }) => kept).flatMap((part) => part.lines);
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

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const IMPORT = /^\s*(?:import|export)\b[^'"`;]*?from\s*'([^']+)'|^\s*import\s*'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm;
const TYPES_ONLY = /^import type\b[^;]*;$|^import \{(\s*type \w+( as \w+)?,?)+\s*\} from [^;]*;$/gm;

/**
 * What a source file imports, type-only imports aside: packages as named, own files as paths from the root.
 * @returns {string[]}
 */
export function importsOf(path) {
  const source = readFileSync(path, 'utf8').replace(TYPES_ONLY, '');
  return [...source.matchAll(IMPORT)].map(([, from, bare, dynamic]) => {
    const name = from ?? bare ?? dynamic ?? '';
    return name.startsWith('.') ? join(dirname(path), name) : name;
  });
}

/** All that a source file reaches through imports, itself aside. */
export function reachedFrom(path, seen = new Set()) {
  for (const name of importsOf(path)) {
    if (seen.has(name)) continue;
    seen.add(name);
    if (/\.(ts|mjs)$/.test(name) && existsSync(name)) reachedFrom(name, seen);
  }
  return seen;
}

/** Paths of the files below `folder` that end in `suffix`. */
export function filesBelow(folder, suffix) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, name))
    .filter((path) => path.endsWith(suffix))
    .sort();
}

/** The TypeScript of the actions; declarations aside, and AssemblyScript, whose variables belong to an instance of it. */
export function sourceFiles() {
  return [...filesBelow('actions', '.ts'), ...filesBelow('lib', '.ts')].filter(
    (path) => !path.endsWith('.d.ts') && !path.includes('/assembly/'),
  );
}

/** The actions that can be used: a folder without an action.yml is one that is still being written. */
export function actionNames() {
  return readdirSync('actions').filter((name) => existsSync(`actions/${name}/action.yml`));
}

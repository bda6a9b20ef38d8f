import { readFileSync, writeFileSync } from 'node:fs';
import { run } from './run.mjs';
import { fileLines, functionLines, MOST_FILE_LINES, MOST_FUNCTION_LINES, shellFiles } from './sizes.mjs';

/*
 * Files that do not keep a rule of the house yet: for the size of shell here, for the rules of Biome in its `overrides`. A list may
 * shrink and follow files that moved; it may not grow. `--grow` is for the merge of work that started before a rule.
 */
const LISTS = new URL('not-yet.json', import.meta.url).pathname;
const BIOME = 'biome.json';

/** The lists as they are committed: rule -> path -> number. */
export function notYet() {
  return JSON.parse(readFileSync(LISTS, 'utf8'));
}

/** The lists as the files are now. */
export function measured() {
  const shell = shellFiles();
  return {
    shellFileLines: counted(shell, fileLines, MOST_FILE_LINES),
    shellFunctionLines: counted(shell, longestFunction, MOST_FUNCTION_LINES),
  };
}

function longestFunction(path) {
  return Math.max(0, ...functionLines(path).map(({ lines }) => lines));
}

function counted(paths, count, most) {
  const entries = paths.map((path) => [path, count(path)]).filter(([, number]) => number > most);
  return Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** Writes the lists anew; gives the names of those that would have grown, which stay as they are. */
async function rewrite({ mayGrow }) {
  const [before, now] = [notYet(), measured()];
  const grown = mayGrow ? [] : Object.keys(now).filter((rule) => total(now[rule]) > total(before[rule] ?? {}));
  const kept = Object.fromEntries(
    Object.entries(now).map(([rule, list]) => [rule, grown.includes(rule) ? before[rule] : list]),
  );
  writeFileSync(LISTS, `${JSON.stringify(kept, null, 2)}\n`);
  return [
    ...grown.map((rule) => `${rule} (${growth(before[rule], now[rule])})`),
    ...(await rewriteOverrides({ mayGrow })),
  ];
}

/** The files whose number grew, as `path before -> now`. */
function growth(before = {}, now) {
  const changed = Object.entries(now).filter(([path, number]) => number > (before[path] ?? 0));
  return changed.map(([path, number]) => `${path} ${before[path] ?? 0} -> ${number}`).join(', ');
}

function total(list) {
  return Object.values(list).reduce((sum, number) => sum + number, 0);
}

async function rewriteOverrides({ mayGrow }) {
  const before = readFileSync(BIOME, 'utf8');
  const config = JSON.parse(before);
  const overrides = config.overrides.filter(({ includes }) => includes.every((path) => !path.includes('*')));
  const patterns = config.overrides.filter((override) => !overrides.includes(override));
  writeFileSync(BIOME, JSON.stringify({ ...config, overrides: patterns }));
  const breaking = await lintedFiles().finally(() => writeFileSync(BIOME, before));
  const grown = overrides.filter(
    (override) => !mayGrow && (breaking[ruleOf(override)] ?? []).length > override.includes.length,
  );
  for (const override of overrides) if (!grown.includes(override)) override.includes = breaking[ruleOf(override)] ?? [];
  const left = overrides.filter(({ includes }) => includes.length > 0);
  writeFileSync(BIOME, JSON.stringify({ ...config, overrides: [...patterns, ...left] }));
  await run('node_modules/.bin/biome', ['format', '--write', BIOME], { limitSeconds: 30 });
  return grown.map(ruleOf);
}

function ruleOf({ linter }) {
  const [[group, rules]] = Object.entries(linter.rules);
  return `lint/${group}/${Object.keys(rules)[0]}`;
}

/** Rule -> the files that break it. */
async function lintedFiles() {
  const words = ['lint', '--reporter=json', '--max-diagnostics=none', '.'];
  const { output } = await run('node_modules/.bin/biome', words, { limitSeconds: 120 });
  const { diagnostics } = JSON.parse(output.split('\n').find((line) => line.startsWith('{')) ?? '');
  const files = {};
  for (const { category, location } of diagnostics)
    files[category] = [...(files[category] ?? []), location.path.file ?? location.path];
  return Object.fromEntries(Object.entries(files).map(([rule, paths]) => [rule, [...new Set(paths)].sort()]));
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  process.chdir(new URL('../..', import.meta.url).pathname);
  const grown = await rewrite({ mayGrow: process.argv.includes('--grow') });
  if (grown.length > 0) console.error(`Not written, because there would be more than before: ${grown.join(', ')}`);
  process.exitCode = grown.length > 0 ? 1 : 0;
}

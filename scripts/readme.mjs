import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parse } from 'yaml';
import { actionNames } from './checks/imports.mjs';

/** The READMEs of actions whose tables are not what action.yml says. */
export function staleReadmes() {
  return readmes()
    .filter(({ path, text }) => !existsSync(path) || readFileSync(path, 'utf8') !== text)
    .map(({ path }) => path);
}

/** Writes the tables of every action's README between their markers. */
export function writeReadmes() {
  for (const { path, text } of readmes()) if (existsSync(path)) writeFileSync(path, text);
}

/** A README with the tables of `action`, which is a parsed action.yml; throws when a marker is missing. */
export function withTables(readme, action) {
  const tables = {
    inputs: inputTable(action.inputs ?? {}),
    outputs: outputTable(action.outputs ?? {}),
  };
  return Object.entries(tables).reduce((text, [name, table]) => {
    const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`the README lacks the lines ${begin} and ${end}`);
    return `${text.slice(0, from)}${begin}\n${table}\n${text.slice(to)}`;
  }, readme);
}

function readmes() {
  return actionNames().map((name) => {
    const path = `actions/${name}/README.md`;
    if (!existsSync(path)) return { path, text: '' };
    const action = parse(readFileSync(`actions/${name}/action.yml`, 'utf8'));
    return { path, text: withTables(readFileSync(path, 'utf8'), action) };
  });
}

function inputTable(inputs) {
  const rows = Object.entries(inputs).map(([name, input]) => [`\`${name}\``, defaultOf(input), input.description]);
  return table(['input', 'default', 'meaning'], rows);
}

function outputTable(outputs) {
  return table(
    ['output', 'meaning'],
    Object.entries(outputs).map(([name, { description }]) => [`\`${name}\``, description]),
  );
}

function defaultOf(input) {
  if (input.required) return 'required';
  return input.default === undefined || input.default === '' ? '' : `\`${input.default}\``;
}

function table(head, rows) {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(cell).join(' | ')} |`).join('\n');
}

function cell(text) {
  return String(text ?? '')
    .replace(/\s+/g, ' ')
    .trim()
    .replaceAll('|', '\\|');
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  process.chdir(new URL('..', import.meta.url).pathname);
  if (!process.argv.includes('--check')) writeReadmes();
  const stale = staleReadmes();
  if (stale.length > 0) console.error(`Missing, or not what action.yml says: ${stale.join(', ')}`);
  process.exitCode = stale.length > 0 ? 1 : 0;
}

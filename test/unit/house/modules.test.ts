import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, test } from 'vitest';
import { filesBelow, sourceFiles } from '../../../scripts/checks/imports.mjs';

const SOURCES = sourceFiles();
const ENTRY = /^actions\/[^/]+\/main\.ts$/;
// At the left margin stand declarations, their ends and comments; anything else acts on import.
const DECLARES =
  /^(import|export|const|function|async function|class|abstract class|interface|type|declare)\b|^[\s})\]>/]|^$/;
const MUTABLE = /^(export )?(let|var) |^(export )?const \w+(: [^=]+)? = (new (Weak)?(Map|Set)(<.*>)?\(\)|\[\]|\{\});/;

test('no module keeps mutable state', () => {
  expect(linesOf(SOURCES, (line) => MUTABLE.test(line))).toEqual([]);
});

test("nothing but an action's entry acts on import", () => {
  const others = SOURCES.filter((path) => !ENTRY.test(path));
  expect(linesOf(others, (line) => !DECLARES.test(line))).toEqual([]);
});

test("an action's entry does one thing, in under 25 lines", () => {
  const entries = SOURCES.filter((path) => ENTRY.test(path));
  expect(entries.length).toBeGreaterThan(0);
  for (const path of entries) {
    expect(linesOf([path], (line) => !DECLARES.test(line))).toHaveLength(1);
    expect(readFileSync(path, 'utf8').split('\n').length, path).toBeLessThan(25);
  }
});

test("only lib/action/ reads the runner's environment", () => {
  const others = SOURCES.filter((path) => !path.startsWith('lib/action/'));
  expect(linesOf(others, (line) => /\bprocess\.env\b/.test(line) && !/^\s*(\/\/|\*)/.test(line))).toEqual([]);
});

test('only lib/action/ sets the exit code', () => {
  const others = SOURCES.filter((path) => !path.startsWith('lib/action/'));
  expect(linesOf(others, (line) => /\bprocess\.exit(Code)?\b/.test(line))).toEqual([]);
});

test('only lib/action/log.ts writes to the output, which a runner reads commands from', () => {
  const others = SOURCES.filter((path) => path !== 'lib/action/log.ts');
  expect(linesOf(others, (line) => /\b(process\.std(out|err)|console\.)/.test(line))).toEqual([]);
});

test('what a target said is taken as it came only to be compared or sent back', () => {
  const users = linesOf(SOURCES, (line) => /\.verbatims?\(/.test(line)).map((line) => line.split(':')[0]);
  expect([...new Set(users)]).toEqual(['actions/deploy-binary/inspect/inspect.ts', 'actions/verify-deploy/inspect.ts']);
  expect(linesOf(SOURCES, (line) => /\.verbatims?\(/.test(line))).toHaveLength(4);
});

test('only lib/ssh/program.ts composes a command for a shell', () => {
  const others = SOURCES.filter((path) => path !== 'lib/ssh/program.ts');
  expect(linesOf(others, (line) => /\bsh -c\b/.test(line))).toEqual([]);
});

test('a file is named for what it is, in kebab-case', () => {
  const named = (paths: string[]) => paths.map((path) => basename(path));
  const all = named([...SOURCES, ...filesBelow('scripts', '.mjs'), ...filesBelow('test', '.ts')]);
  expect(all.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.test)?\.(ts|mjs)$/.test(name))).toEqual([]);
  expect(named(SOURCES).filter((name) => /^(utils?|helpers?|common|types|core|misc)\./.test(name))).toEqual([]);
});

function linesOf(paths: string[], wanted: (line: string) => boolean): string[] {
  return paths.flatMap((path) =>
    readFileSync(path, 'utf8')
      .split('\n')
      .filter(wanted)
      .map((line) => `${path}: ${line.trim()}`),
  );
}

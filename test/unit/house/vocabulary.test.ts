import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { filesBelow, sourceFiles } from '../../../scripts/checks/imports.mjs';

/** What a program answers in a line `say KEY …`, and the words of a value that is a record: `say unit "name=… active=…"`. */
function said(): Set<string> {
  const words = new Set<string>();
  for (const path of filesBelow('target', '.sh')) {
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      const [, key, rest = ''] = /\bsay ([a-z_]+) (.*)$/.exec(line) ?? [];
      // What goes into the journal is read by the next transaction.
      if (!key || /^\s*#|>>journal/.test(line)) continue;
      words.add(key);
      for (const [, word = ''] of rest.matchAll(/[" ]([a-z_]+)=\$/g)) words.add(word);
    }
  }
  return words;
}

test('every word that a program on a target says is read on the runner', () => {
  const sources = sourceFiles().map((path: string) => readFileSync(path, 'utf8'));
  const read = new Set(sources.flatMap((text: string) => [...text.matchAll(/'([a-z_]+)'/g)].map(([, word]) => word)));
  expect([...said()].filter((word) => !read.has(word))).toEqual([]);
});

test('every value that the runner gives a program is used by one', () => {
  const programs = filesBelow('target', '.sh')
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n');
  const given = [
    'actions/deploy-binary/values.ts',
    'actions/deploy-binary/inspect/inspect.ts',
    'actions/verify-deploy/inspect.ts',
  ]
    .map((path) => readFileSync(path, 'utf8'))
    .flatMap((text) => [...text.matchAll(/^ {4}([a-z_0-9]+): /gm)].map(([, name = '']) => name))
    .filter((name) => /_/.test(name));
  expect(given.length).toBeGreaterThan(20);
  expect(given.filter((name) => !programs.includes(`in_${name}`))).toEqual([]);
});

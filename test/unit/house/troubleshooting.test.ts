import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { actionNames, filesBelow } from '../../../scripts/checks/imports.mjs';

const SOURCES = ['actions', 'lib', 'target'].flatMap((folder) => [
  ...filesBelow(folder, '.ts'),
  ...filesBelow(folder, '.sh'),
]);
const TEXT = SOURCES.map((path) => readFileSync(path, 'utf8')).join('\n');

describe.each(actionNames())('what %s says of its errors', (action) => {
  const [, table = ''] = readFileSync(`actions/${action}/README.md`, 'utf8').split('## Troubleshooting\n');
  const rows = [...table.matchAll(/^\| (.*?) \| (.*) \|$/gm)].slice(2);
  const messages = rows.flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, message]) => message ?? ''),
  );

  test('there is something', () => {
    expect(rows.length).toBeGreaterThan(4);
  });

  test.each(messages)('`%s` is what the program really prints', (message) => {
    expect(literalsOf(message).filter((literal) => !TEXT.includes(literal))).toEqual([]);
  });
});

/** The fixed words of a message: without what … and single capitals stand for. */
function literalsOf(message: string): string[] {
  return message
    .split(/…|\b[A-Z]\b/)
    .map((part) => part.replace(/^[\s,()]+|[\s,()]+$/g, ''))
    .filter((part) => part.length > 2);
}

/** Where connecting, and what stands in the way of a deploy, are put into words. */
const WORDED = [
  ...['failures', 'openssh-failures', 'openssh-reasons'].map((name) => `lib/ssh/${name}.ts`),
  ...filesBelow('actions/deploy-binary/plan/obstacles', '.ts'),
];

describe('the page of troubleshooting', () => {
  const page = readFileSync('docs/TROUBLESHOOTING.md', 'utf8');
  const headings = [...page.matchAll(/^### (.*)$/gm)].map(([, heading]) => heading ?? '');
  const printed = WORDED.flatMap((path) => reasonsIn(readFileSync(path, 'utf8')));

  test('has an entry for every reason that has words of its own, and no other', () => {
    expect(printed.length).toBeGreaterThan(30);
    expect(headings.toSorted()).toEqual([...new Set(printed)].toSorted());
  });
});

/** The texts given as `why:`, with … for each value; without those that are a value alone. */
function reasonsIn(source: string): string[] {
  const told = source.replaceAll(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, '…').replaceAll('\\`', '`');
  const texts = [...told.matchAll(/\bwhy: (['`])(.*?)\1,? *(?:remedy: .*)?(?:\}|$)/gm)].map(([, , text]) => text ?? '');
  return texts.filter((text) => /\w/.test(text));
}

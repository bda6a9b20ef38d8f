import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { filesBelow } from '../../../scripts/checks/imports.mjs';

const SOURCES = ['actions', 'lib'].flatMap((folder) => [...filesBelow(folder, '.ts'), ...filesBelow(folder, '.sh')]);
const TEXT = SOURCES.map((path) => readFileSync(path, 'utf8')).join('\n');

describe.each(readdirSync('actions'))('what %s says of its errors', (action) => {
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

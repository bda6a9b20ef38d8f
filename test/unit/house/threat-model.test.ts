import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const [, tables = ''] = readFileSync('docs/THREAT-MODEL.md', 'utf8').split('## Attacks that were tried\n');
const rows = [...tables.matchAll(/^\| [^|]+ \| `([^`]+\.test\.ts)`: (.+) \|$/gm)];
const scenarios = rows.map(([, file = '', title = '']) => [file, title] as const);

test('the threat model names scenarios', () => {
  expect(scenarios.length).toBeGreaterThan(30);
});

test.each(scenarios)('%s has the scenario of the threat model: %s', (file, title) => {
  const path = `test/${file}`;
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  // A title leaves out what differs from case to case.
  expect(title.split('…').filter((part) => !text.includes(part))).toEqual([]);
});

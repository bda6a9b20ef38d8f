import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { findingsIn, GLOSSARY, proseFiles } from '../../../scripts/checks/english.mjs';
import { literalsOf } from '../../../scripts/checks/literals.mjs';

test('no sentence that people read has words that the glossary replaces', () => {
  const problems = proseFiles().flatMap((path) =>
    findingsIn(path).map(({ line, words, say }) => `${path}:${line} "${words}": say ${say}`),
  );
  expect(problems).toEqual([]);
});

test('the glossary of docs/STYLE.md has the rows of the test, with examples that the test finds', () => {
  const [, table = ''] = readFileSync('docs/STYLE.md', 'utf8').split('| say | not |\n');
  const rows = [...table.matchAll(/^\| ([^|]*) \| ([^|]*`) \|$/gm)].map(([, say, not]) => ({
    say,
    examples: [...(not ?? '').matchAll(/`([^`]*)`/g)].map(([, example]) => example ?? ''),
  }));
  expect(rows.map(({ say }) => say)).toEqual(GLOSSARY.map(({ say }) => say));
  const unseen = rows.flatMap(({ examples }, at) =>
    examples.filter((example) => example.search(GLOSSARY[at]?.not ?? /$^/) < 0),
  );
  expect(unseen).toEqual([]);
});

describe('what is read as a sentence', () => {
  const found = (path: string, source: string) =>
    findingsIn(path, source).map(({ line, words }) => `${line}: ${words}`);

  test('the literals of TypeScript, also around and inside of values, and neither comments nor names', () => {
    const source = [
      '// look here',
      "import { look } from './look-after.ts';",
      "const look = 'look';",
      `log(\`Look at \${of(\`the told \${name}\`)} by itself\`);`,
      'const pattern = /"mend/;',
      "log('it was told');",
    ].join('\n');
    expect(found('lib/a.ts', source)).toEqual(['4: Look', '4: by itself', '4: told', '6: told']);
  });

  test('the quoted texts of shell, and not its comments', () => {
    const source = '# look at it\nput back\nrefused="the file is no program"\nsay why \'it was told\'\n';
    expect(found('lib/a.sh', source)).toEqual(['3: is no', '4: told']);
  });

  test('a page, also across the end of a line, without code in backquotes', () => {
    expect(found('docs/a.md', 'It is\nno file; `look` is a name.\n\nThe end\n- as one\n')).toEqual(['1: is no']);
  });

  test('the titles of tests, and nothing else of a test', () => {
    const source = "test('a look', () => { say('a look'); });\ntest.each([['a look']])('is %s told', () => {});\n";
    expect(found('test/a.test.ts', source)).toEqual(['1: look', '2: told']);
  });

  test.each([
    ['there is no key to log in with'],
    ['nothing else runs'],
    ['at the beginning of the file'],
    ['look-up'],
    ['what the log looks like'],
    ['for each target, for all hosts'],
  ])('"%s" is usual English', (text) => {
    expect(found('docs/a.md', text)).toEqual([]);
  });
});

test('a slash is a division or starts a regular expression, depending on what precedes it', () => {
  const texts = literalsOf("const a = b / 2 + 'one' / 3; const c = /'/.test('two'); f(/[/']/, 'three');").map(
    ({ text }) => text,
  );
  expect(texts).toEqual(['one', 'two', 'three']);
});

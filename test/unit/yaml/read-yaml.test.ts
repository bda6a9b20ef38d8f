import { expect, test } from 'vitest';
import { readYaml, type YamlValue } from '../../../lib/yaml/read-yaml.ts';

test.each([
  ['a: 1\n\tb: 2', 2, 'a tab is used as indentation; use blanks'],
  ['a: 1\nb:\n\tc: 2', 3, 'a tab is used as indentation; use blanks'],
  ['to: /a\nmode: 1\nto: /b', 3, 'the key `to` is given twice, first on line 1'],
  ['a: *x', 1, 'an alias (`*`) names no anchor that stands before it'],
  ['a: *x\nb: &x 1', 1, 'an alias (`*`) names no anchor that stands before it'],
  ['a: &x [*x]', 1, 'it is nested deeper than 12 levels'],
  ['a: b: c', 1, 'a `:` stands where no key can be; quote the text, or indent it as a value of its own'],
  ['- a\nb', 2, 'something stands where YAML expects nothing; check quotes and indentation'],
  ['{a: 1', 1, 'a closing quote, a bracket or the `:` after a key is missing'],
  ['- 1\n---\n- 2', 2, 'there is a second document; only one is read'],
  ['a: !secret x', 1, 'a tag (`!`) is not read; quote a text that starts with `!`'],
  ['? [a]\n: b', 1, 'a key is not a text'],
  ['a: %x', 1, 'a text starts with a character that YAML reserves; quote it'],
  ['a: "\\q"', 1, 'a backslash in double quotes starts no known escape; use single quotes'],
  ['<<: {a: 1}', 1, 'the merge key `<<` is not read; repeat the keys'],
  [`${'['.repeat(20)}${']'.repeat(20)}`, 1, 'it is nested deeper than 12 levels'],
  ['x'.repeat(140_000), 1, 'the text is longer than 128 KiB'],
])('%j is refused on line %i', (text, line, message) => {
  expect(readYaml(text).problems).toContainEqual({ line, message });
  expect(readYaml(text).value).toBeUndefined();
});

test('every problem of a text is reported at once, in the order of the lines', () => {
  const { problems } = readYaml('a: 1\na: 2\nb: *none\nc: !tag 1\n');
  expect(problems.map(({ line }) => line)).toEqual([2, 3, 4]);
});

test('a scalar is the text that was written, so that 0755 stays an octal mode and yes a word', () => {
  const text = 'mode: 0755\nport: 5858\nflag: yes\nnothing: null\nhex: 0x1f\nquoted: "a\\tb"\n';
  expect(plain(readYaml(text).value)).toEqual({
    mode: '0755',
    port: '5858',
    flag: 'yes',
    nothing: 'null',
    hex: '0x1f',
    quoted: 'a\tb',
  });
});

test('a key without a value is not the same as one with an empty text', () => {
  expect(readYaml('a:\nb: ""\n').value).toMatchObject({
    entries: [
      { key: 'a', value: { kind: 'empty', line: 1 } },
      { key: 'b', value: { kind: 'text', text: '' } },
    ],
  });
});

test('an anchor is repeated by its aliases, on the line where each stands', () => {
  const { value } = readYaml('a: &shared\n  url: x\nb:\n  c: *shared\n');
  expect(plain(value)).toEqual({ a: { url: 'x' }, b: { c: { url: 'x' } } });
  expect(
    JSON.stringify(value)
      .match(/"line":\d/g)
      ?.join(),
  ).toContain('"line":4');
});

test('aliases that name a billion values are refused, and not counted first', () => {
  const lines = ['a0: &a0 [1,2,3,4,5,6,7,8,9,10]'];
  for (let at = 1; at < 9; at += 1) lines.push(`a${at}: &a${at} [${`*a${at - 1},`.repeat(10)}]`);
  expect(readYaml(lines.join('\n')).problems).toEqual([
    { line: 5, message: 'there are more than 20000 values, repeated ones included' },
  ]);
});

test.each([
  ['many keys', Array.from({ length: 14_000 }, (_, at) => `k${at}: 1`).join('\n')],
  ['many aliases', `a: &a 1\n${Array.from({ length: 18_000 }, () => '- *a').join('\n')}`],
  ['many levels', '[{a: '.repeat(20_000)],
  ['many quotes', '"'.repeat(120_000)],
])(
  '%s are read within the limit of a test',
  (_, text) => {
    expect(readYaml(text).problems.length).toBeLessThan(100);
  },
  30_000,
);

test('no message repeats what was written as a value, because it may be a secret', () => {
  const secret = 'hunter2hunter2';
  for (const text of [
    `a: *${secret}`,
    `a: !${secret}`,
    `a: "\\${secret}`,
    `${secret} x: *a\n${secret} x: 1`,
    `@${secret}`,
  ])
    expect(JSON.stringify(readYaml(text).problems)).not.toContain(secret);
});

test('an empty text has no value and no problem', () => {
  for (const text of ['', '# only a comment\n', '---\n'])
    expect(readYaml(text)).toEqual({ value: undefined, problems: [] });
});

function plain(value: YamlValue | undefined): unknown {
  if (value?.kind === 'map') return Object.fromEntries(value.entries.map((entry) => [entry.key, plain(entry.value)]));
  if (value?.kind === 'list') return value.items.map(plain);
  return value?.kind === 'text' ? value.text : undefined;
}

import { describe, expect, test } from 'vitest';
import { outputText, summaryMarkdown } from '../../../lib/action/outputs.ts';
import { commandIn } from '../../support/runners.ts';

describe('an output', () => {
  test.each(['a\n::set-env name=PATH::/tmp', '::add-path::/tmp', 'a\r##[add-mask]x', '\u001b[31m'])(
    'that a later step prints is not a command: %j',
    (text) => {
      for (const value of [text, { why: text }, [text, { deep: [text] }]]) {
        const told = outputText(value);
        const printed = typeof value === 'string' ? told : [told, ...textsOf(JSON.parse(told))].join('\n');
        expect(printed.split('\n').flatMap((line) => commandIn(line) ?? [])).toEqual([]);
        expect(['\r', '\u001b'].filter((control) => printed.includes(control))).toEqual([]);
      }
    },
  );

  test('keeps what it is', () => {
    expect(outputText({ state: 'active', pid: 7, ok: true, none: null, lines: 'a\nb' })).toBe(
      '{\n "state": "active",\n "pid": 7,\n "ok": true,\n "none": null,\n "lines": "a\\nb"\n}',
    );
    expect([outputText(undefined), outputText(false), outputText(0)]).toEqual(['', 'false', '0']);
  });

  test('has no line that a runner would lose', () => {
    const told = outputText({
      why: '\u0001"'.repeat(100_000),
      list: Array.from({ length: 20 }, () => 'x'.repeat(9000)),
    });
    expect(Math.max(...told.split('\n').map((line) => Buffer.byteLength(line)))).toBeLessThan(65_536);
    expect(Buffer.byteLength(outputText(Array.from({ length: 200 }, () => 'x'.repeat(9000))))).toBeLessThan(1000);
  });
});

describe('the summary', () => {
  test('shows usual cells as they are', () => {
    const rows = [
      ['state', 'active'],
      ['sha256', '3f2a90b1c44e -> 0011aabbccdd'],
      ['time', '3.2 s'],
    ];
    expect(summaryMarkdown({ title: 'Deploy of server', head: ['', ''], rows })).toBe(
      ['### Deploy of server', '', '|  |  |', '| --- | --- |', ...rows.map(([a, b]) => `| ${a} | ${b} |`), ''].join(
        '\n',
      ),
    );
  });

  test.each([
    'a | b',
    'a\\| b',
    'a\n\n# Done',
    '<img src=x onerror=alert(1)>',
    '[click](https://evil.example)',
    '![x](https://evil.example/x.png)',
    'https://evil.example',
    'www.evil.example',
    '@ada and #12',
    '`code` **bold** _x_ ~~y~~',
    '&lt;b&gt; &#124;',
    '- list',
    '1. list',
    '> quote',
    '::set-env name=PATH::/tmp',
  ])('makes nothing but text of %j', (text) => {
    const markdown = summaryMarkdown({ title: text, list: [text], head: ['x', text], rows: [[text, 'b']] });
    const lines = markdown.split('\n');
    expect(lines).toHaveLength(8);
    const [, references] = /^### <code>(.*)<\/code>$/.exec(lines[0] ?? '') ?? [];
    expect(references).toMatch(/^([\p{L}\p{N} ,/()?-]|&#\d+;)+$/u);
    expect(lines[6]).toBe(`| <code>${references}</code> | b |`);
    const shown = (references ?? '').replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)));
    expect(shown).toBe(text.replaceAll('\n', '\\x0a'));
  });
});

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

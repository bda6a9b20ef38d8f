import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { hiding, shownUrl } from '../../lib/secrets.ts';

const SECRET = `p4ss'w"o\\rd $(x) <&> ü/€`;

describe('a value of the environment is not shown', () => {
  const sh = (shell: string, script: string) =>
    execFileSync(shell, ['-c', script], {
      env: { PATH: process.env.PATH, SHLVL: '2', APP_KEY: SECRET },
      encoding: 'utf8',
    });

  test.each([
    ['as it is', SECRET],
    ['quoted by a shell', `'p4ss'\\''w"o\\rd $(x) <&> ü/€'`],
    ['as set -x of dash prints it', sh('/bin/dash', 'set -x; : "$APP_KEY" 2>/dev/null; exec 2>&1; : "$APP_KEY"')],
    ['as set -x of bash prints it', sh('/bin/bash', 'exec 2>&1; set -x; : "$APP_KEY"')],
    ['as export -p of dash prints it', sh('/bin/dash', 'export -p')],
    ['as export -p of bash prints it', sh('/bin/bash', 'export -p')],
    ['as printf %q prints it', sh('/bin/bash', 'LC_ALL=C.UTF-8; printf %q "$APP_KEY"')],
    ['in JSON', JSON.stringify({ key: SECRET })],
    ['in JSON with slashes escaped', JSON.stringify(SECRET).replaceAll('/', '\\/')],
    [
      'in JSON of ASCII',
      JSON.stringify(SECRET).replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
    ],
    [
      'in JSON as Go writes it',
      JSON.stringify(SECRET).replace(/[<>&]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`),
    ],
    ['in a URL', `http://x/?key=${encodeURIComponent(SECRET)}`],
    ['in a URL in lower case', encodeURIComponent(SECRET).replace(/%../g, (code) => code.toLowerCase())],
    ['in a form', new URLSearchParams({ key: SECRET }).toString()],
    ['in HTML', 'p4ss&#39;w&quot;o\\rd $(x) &lt;&amp;&gt; ü/€'],
    ['as it travels to the target', `'p4ss'\\\\''w"o\\\\rd $(x) <&> ü/€'`],
  ])('%s', (_, text) => {
    const told = hiding([`APP_KEY=${SECRET}`])(`before ${text} after`);
    expect(told).not.toContain('p4ss');
    expect(told).not.toContain('(x)');
    expect(told).toContain('***');
    expect(told).toMatch(/^before .*after$/s);
  });

  test('nor what is left of it where the text was cut', () => {
    const clean = hiding(['APP_KEY=correct-horse-battery-staple']);
    expect(clean('battery-staple and more')).toBe('*** and more');
    expect(clean('more and correct-horse')).toBe('more and ***');
    expect(clean('horse-battery')).toBe('***');
    expect(clean('a staple')).toBe('a staple');
  });

  test('nor the longer of two with the same start', () => {
    expect(hiding(['A=token', 'B=token-two'])('token-two token')).toBe('*** ***');
  });

  test('but one of three characters is, being in every second word', () => {
    expect(hiding(['A=the', 'B='])('the theory')).toBe('the theory');
  });

  test('in time, however long it is', () => {
    const clean = hiding([`A=${'long secret '.repeat(5000)}`]);
    const before = performance.now();
    clean('x secret long '.repeat(5000));
    expect(performance.now() - before).toBeLessThan(2000);
  });
});

describe('a health URL is shown without what it asks with', () => {
  test.each([
    ['http://localhost:5858/api/health', 'http://localhost:5858/api/health'],
    ['http://localhost/health?token=s3cret&verbose=1', 'http://localhost/health?token=***&verbose=***'],
    ['https://ada:pw@web-1/health?s3cret#s3cret', 'https://web-1/health?***'],
    ['http://:pw@[::1]:80/?a=b?c=d', 'http://[::1]:80/?a=***'],
    ['http://localhost/a@b', 'http://localhost/a@b'],
  ])('%s', (url, shown) => {
    expect(shownUrl(url)).toBe(shown);
  });

  test('also in what the target says of it', () => {
    const clean = hiding([], { url: 'http://ada:p%40ss99@localhost/health?token=s3cret%2Fvalue&id=7' });
    expect(
      clean('http://ada:p%40ss99@localhost/health?token=s3cret%2Fvalue&id=7 answers 401: s3cret/value, p@ss99'),
    ).toBe('http://localhost/health?token=***&id=*** answers 401: ***, ***');
  });
});

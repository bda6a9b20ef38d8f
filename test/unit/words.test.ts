import { expect, test } from 'vitest';
import { escapeForeign, lastLines } from '../../lib/foreign.ts';
import { isHttpUrl, isPlainPath, isStatusList, megabytes, sameCapabilities } from '../../lib/values.ts';
import { splitWords } from '../../lib/words.ts';

test.each([
  ['', []],
  ['a  b\tc\nd', ['a', 'b', 'c', 'd']],
  [`'a b' "c d"e f\\ g`, ['a b', 'c de', 'f g']],
  [`'' ""`, ['', '']],
  [`"a\\"b\\\\c\\$d\\e"`, ['a"b\\c$d\\e']],
  [`$(id) \`id\` * ; a&&b`, ['$(id)', '`id`', '*', ';', 'a&&b']],
  ['a\\\nb', ['ab']],
  ['a\u00a0b\u2003c', ['a\u00a0b\u2003c']],
  [`it\\'s 'a"b' "c'd"`, ["it's", 'a"b', "c'd"]],
])('%j is split as a shell would', (text, words) => {
  expect(splitWords(text)).toEqual(words);
});

test.each(["'a", '"a', 'a\\'])('%j is refused', (text) => {
  expect(() => splitWords(text)).toThrow(RangeError);
});

test.each([
  ['/opt/app/bin', true],
  ['/', false],
  ['opt', false],
  ['/a/../b', false],
  ['/a/..b', true],
  ['/a\nb', false],
])('%j as a path: %s', (path, plain) => {
  expect(isPlainPath(path)).toBe(plain);
});

test.each([
  ['http://localhost:5858/api', true],
  ['https://[::1]/x', true],
  ['ftp://x', false],
  ['http://user:word@x', false],
  ['http://x/"; rm', false],
  ['', false],
])('%j as a URL: %s', (url, good) => {
  expect(isHttpUrl(url)).toBe(good);
});

test.each([
  ['200', true],
  ['200-399, 404', true],
  ['2xx', false],
  ['', false],
])('%j as a list of status codes: %s', (list, good) => {
  expect(isStatusList(list)).toBe(good);
});

test('capabilities are the same in every spelling', () => {
  expect(sameCapabilities('cap_net_bind_service=+ep', 'cap_net_bind_service=ep')).toBe(true);
  expect(sameCapabilities('cap_net_bind_service+ep', 'cap_net_raw=ep')).toBe(false);
  expect(sameCapabilities('cap_net_raw,CAP_NET_ADMIN+pe', 'cap_net_admin,cap_net_raw=ep')).toBe(true);
  expect(sameCapabilities('cap_net_raw=ep cap_net_admin=ep', 'cap_net_admin,cap_net_raw=ep')).toBe(true);
  expect(sameCapabilities('cap_net_raw=p cap_net_admin=ep', 'cap_net_admin,cap_net_raw=ep')).toBe(false);
  expect(sameCapabilities('', '')).toBe(true);
});

test.each([
  [0, '0 bytes'],
  [999, '999 bytes'],
  [1500, '1.5 kB'],
  [115_600_000, '115.6 MB'],
  [1_250_000_000, '1.25 GB'],
])('%i bytes are %s', (bytes, text) => {
  expect(megabytes(bytes)).toBe(text);
});

test.each([
  ['a\u001b[31mred', 'a\\x1b[31mred'],
  ['::error::x', '\\::error::x'],
  ['  ::set-output name=x::y', '  \\::set-output name=x::y'],
  ['a ##[group]b', 'a ##\\[group]b'],
  ['a\rb\nc', 'a\\x0db\\x0ac'],
  ['\u202eevil', '\\u202eevil'],
  ['x'.repeat(600), `${'x'.repeat(500)}…`],
])('untrusted text %j is harmless', (text, shown) => {
  expect(escapeForeign(text)).toBe(shown);
});

test('the last lines are those with something in them', () => {
  expect(lastLines('a\nb\r\nc\n\n', 2)).toEqual(['b', 'c']);
});

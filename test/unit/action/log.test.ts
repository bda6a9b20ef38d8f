import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openLog, prefixed } from '../../../lib/action/log.ts';
import type { Platform } from '../../../lib/action/run.ts';
import { TargetError } from '../../../lib/errors.ts';
import { commandIn } from '../../support/runners.ts';

const PLATFORMS: Platform[] = ['forgejo', 'gitea', 'github'];
/** What somebody would have a runner carry out. */
const COMMANDS = [
  '::set-env name=PATH::/tmp/evil',
  '  ::add-path::/tmp/evil',
  '\t::stop-commands::x',
  '\u00a0::error::x',
  '\u3000::error::x',
  '\u0085::error::x',
  '\u200b::error::x',
  '\ufe0f::error::x',
  '\ufeff::error::x',
  '##[set-env name=PATH;]/tmp/evil',
  'a ##[add-mask]true',
  'a ##\u200b[add-mask]true',
  'a #\ufe0f#[add-mask]true',
  'a\n::set-env name=PATH::/tmp/evil',
  'a\r\n::set-env name=PATH::/tmp/evil',
  'a\r::set-env name=PATH::/tmp/evil',
  'a\u2028::set-env name=PATH::/tmp/evil',
  'a\v::set-env name=PATH::/tmp/evil',
  '::::set-env name=PATH::/tmp/evil',
  ':::set-env name=PATH::/tmp/evil',
];

let written = '';
beforeEach(() => {
  written = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written += text;
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe.each(PLATFORMS)('the log on %s', (platform) => {
  test.each(COMMANDS)('gives a runner no command with %j', (text) => {
    const log = openLog(platform);
    log.line(text);
    log.phase('upload', text);
    log.phase(text, 'x');
    prefixed(log, 'web-1').line(text);
    expect(lines()).toHaveLength(4);
    expect(lines().flatMap((line) => commandIn(line) ?? [])).toEqual([]);
  });

  test.each(COMMANDS)('has one warning and one failure with %j', (text) => {
    const log = openLog(platform);
    log.warning(text);
    prefixed(log, 'web-1').warning(text);
    log.failure(
      new TargetError({ what: text, where: text, why: text, state: text, remedy: text, output: text }).message,
    );
    const commands = lines().flatMap((line) => commandIn(line) ?? []);
    expect(commands.map(({ name }) => name)).toEqual(platform === 'github' ? ['warning', 'warning', 'error'] : []);
    for (const { value } of commands) for (const line of value.split('\n')) expect(commandIn(line)).toBeUndefined();
    expect(written).not.toMatch(/\r(?!\n)|\v|\u2028|\u200b/);
  });

  test('gives a runner no command with any of 5000 texts made of their pieces', () => {
    const log = openLog(platform);
    for (let seed = 1; seed <= 5000; seed += 1) log.line(textOf(seed));
    expect(lines()).toHaveLength(5000);
    expect(lines().filter((line) => commandIn(line))).toEqual([]);
  });

  test('shows a terminal no control character', () => {
    openLog(platform).line('a\u001b[31mb\u0007c\u0000d\u009be\u202ef');
    expect(lines()).toEqual(['a\\x1b[31mb\\x07c\\x00d\\x9be\\u202ef']);
  });

  test('leaves what people write as it is', () => {
    const text = 'Übermut: a::b, C:\\x, "quoted" — 100 % | ✓ 漢字 👩';
    openLog(platform).line(text);
    expect(lines()).toEqual([text]);
  });

  test('cuts a line that a runner would cut', () => {
    openLog(platform).line('x'.repeat(100_000));
    expect(Buffer.byteLength(written)).toBeLessThan(65_536);
  });

  test('hides each line of a secret, and nothing else of it is a command', () => {
    const secret = 'first line\n::set-env name=A::b\r\nwith%0Ain%25it\rlone';
    openLog(platform).mask(secret);
    const hidden = lines().map((line) => commandIn(line));
    expect(hidden.map((command) => command?.name)).toEqual(hidden.map(() => 'add-mask'));
    expect(written).toContain('first line');
    expect(written).not.toMatch(/\r(?!\n)/);
  });
});

test.each([
  ['github', ['a%250Ab1']],
  ['forgejo', ['a%0Ab1']],
  // Its newer versions would make two lines of it, and hide each.
  ['gitea', ['a%250Ab1']],
] as const)('a secret with %%0A in it is masked for %s as one secret', (platform, forms) => {
  openLog(platform).mask('a%0Ab1');
  expect(lines()).toEqual(forms.map((form) => `::add-mask::${form}`));
});

test('a secret is hidden once', () => {
  const log = openLog('forgejo');
  log.mask('secret-one');
  log.mask('secret-one\nsecret-two');
  expect(lines()).toEqual(['::add-mask::secret-one', '::add-mask::secret-two']);
});

describe('a value that may be anything', () => {
  test.each([
    'true',
    'production',
    'Production',
    '8080',
    '20261125120000',
    '10.78.0.1:5858',
    'debug',
    'rolled-back',
    '',
  ])('%j is not hidden, because it is in every second line', (value) => {
    openLog('forgejo').maskValue(value);
    expect(written).toBe('');
  });

  test.each(['Tr0ub4dor', 'postgres://app:pw@db/app', 'deadbeefcafe'])('%j is hidden', (value) => {
    openLog('forgejo').maskValue(value);
    expect(lines()).toEqual([`::add-mask::${value}`]);
  });

  test('a passphrase of four characters is', () => {
    openLog('forgejo').mask('pass');
    expect(lines()).toEqual(['::add-mask::pass']);
  });
});

const PIECES = [
  ...[':', '::', '#', '##', '[', '##[', ']', ' ', '\t', '\n', '\r', '\v', '%0A', 'set-env', 'add-path', 'name=A', 'a'],
  ...[
    '\u0085',
    '\u00a0',
    '\u00ad',
    '\u034f',
    '\u180e',
    '\u200b',
    '\u2028',
    '\u3000',
    '\ufe0f',
    '\ufeff',
    '\ud800',
    '\u{e0001}',
  ],
];

/** The same text for the same seed. */
function textOf(seed: number): string {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state >> 8;
  };
  return Array.from({ length: 3 + (next() % 10) }, () => PIECES[next() % PIECES.length]).join('');
}

function lines(): string[] {
  return written.split(/\r?\n/).slice(0, -1);
}

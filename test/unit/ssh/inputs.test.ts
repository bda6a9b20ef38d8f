import { describe, expect, test } from 'vitest';
import { parseHost } from '../../../lib/ssh/inputs.ts';

describe('a written host', () => {
  test.each([
    ['web', { user: undefined, host: 'web', port: undefined }],
    ['ada@web:2222', { user: 'ada', host: 'web', port: 2222 }],
    ['ada@corp.example@web', { user: 'ada@corp.example', host: 'web', port: undefined }],
    ['CORP\\ada@web', { user: 'CORP\\ada', host: 'web', port: undefined }],
    ['ada lovelace@web:22', { user: 'ada lovelace', host: 'web', port: 22 }],
    ['ssh://ada@[2001:db8::1]:22', { user: 'ada', host: '2001:db8::1', port: 22 }],
    ['ada@2001:db8::1', { user: 'ada', host: '2001:db8::1', port: undefined }],
  ])('%s is taken apart at the last @', (written, parts) => {
    expect(parseHost(written)).toEqual(parts);
  });

  test.each([
    '-oProxyCommand=x',
    '-l@web',
    'a b',
    'user:secret@web',
    'web:0',
    'web:70000',
    '@web',
    ' @web',
    'a\u0007b@web',
  ])('%j is none', (written) => {
    expect(parseHost(written)).toBeUndefined();
  });
});

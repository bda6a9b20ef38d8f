import { describe, expect, test } from 'vitest';
import { type ConfigFile, resolveConfig } from '../../../lib/ssh/config.ts';
import { matchesPatterns } from '../../../lib/ssh/patterns.ts';

const included: Record<string, ConfigFile[]> = {
  '/home/ada/.ssh/conf.d/*': [
    { path: 'a', text: 'Host prod\n  User included\n' },
    { path: 'b', text: 'Port 99\n' },
  ],
  '/etc/loop': [{ path: 'loop', text: 'Include /etc/loop\n' }],
};

function resolve(text: string, host = 'prod', user?: string) {
  const found = resolveConfig([{ path: 'config', text }], {
    host,
    user,
    localUser: 'ada',
    homes: ['/home/ada'],
    homeOf: () => undefined,
    include: (pattern) => included[pattern] ?? [],
  });
  return Object.fromEntries(found.values);
}

describe('an SSH config', () => {
  test.each([
    ['the first value of a keyword wins', 'Port 1\nPort 2', { port: ['1'] }],
    ['identity files add up', 'IdentityFile a\nIdentityFile b', { identityfile: ['a', 'b'] }],
    ['only matching hosts apply', 'Host other\n Port 1\nHost pr?d !x\n Port 2\nHost *\n Port 3', { port: ['2'] }],
    ['a negated pattern excludes', 'Host * !prod\n Port 1\nHost *\n Port 2', { port: ['2'] }],
    ['keywords are not case-sensitive, = and quotes are read', 'PORT=1\nuser = "a b"', { port: ['1'], user: ['a b'] }],
    ['comments are left out', '# Port 1\nPort 2 # 3', { port: ['2'] }],
    [
      'Match host sees HostName',
      'HostName %h.example\nMatch host *.example\n Port 1',
      {
        hostname: ['%h.example'],
        port: ['1'],
      },
    ],
    [
      'Match originalhost sees what was written',
      'HostName x\nMatch originalhost prod\n Port 1',
      {
        hostname: ['x'],
        port: ['1'],
      },
    ],
    ['Match takes a criterion with = too', 'Match host=prod !user=bob\n Port 1', { port: ['1'] }],
    ['Match user falls back to the local one', 'Match user ada\n Port 1', { port: ['1'] }],
    ['upper and lower case differ for Host', 'Host PROD\n Port 1\nHost prod\n Port 2', { port: ['2'] }],
    ['upper and lower case do not differ for Match host', 'Match host PROD\n Port 1', { port: ['1'] }],
    [
      'flags, times and answers have one form',
      'IdentitiesOnly TRUE\nConnectTimeout 1m30',
      { identitiesonly: ['yes'], connecttimeout: ['90'] },
    ],
    [
      'Match final reads all again, with the name that was found',
      'Host srv.example\n Port 1\nHost prod\n HostName SRV.example\nMatch final user ada\n User late',
      { hostname: ['srv.example'], port: ['1'], user: ['late'] },
    ],
    ['Match exec does not matter where another criterion fails', 'Match host other exec "true"\n Port 1', {}],
    ['an unknown keyword does not matter where it does not apply', 'Host other\n Fancy 1', {}],
    ['IgnoreUnknown leaves keywords out', 'IgnoreUnknown Fan*\nFancy 1', { ignoreunknown: ['Fan*'] }],
    ['Match !localuser', 'Match !localuser ada\n Port 1\nMatch all\n Port 2', { port: ['2'] }],
    ['Include reads every file, in order', 'Include conf.d/*\nUser late', { user: ['included'], port: ['99'] }],
    ['an Include inside of another host is not read', 'Host other\n Include conf.d/*', {}],
  ])('%s', (_, text, expected) => {
    expect(resolve(text)).toEqual(expected);
  });

  test.each([
    ['Host x\nPort "1', 'config:2: a quote is never closed'],
    ['Match exec "true"\n Port 1', 'config:1: Match exec is not supported'],
    ['Include /etc/loop', 'Include is nested too deeply'],
    ['Match host prod exec "true"', 'config:1: Match exec is not supported'],
    ['Match host prod nonsense x', 'config:1: Match nonsense is not known to ssh'],
    ['Fancy 1', 'config:1: the keyword fancy is not known'],
    ['Port 0', "config:1: '0' is not a port"],
    ['HostName %q', "config:1: the token %q in '%q' is not supported"],
    ['StrictHostKeyChecking maybe', "config:1: 'maybe' is not one of"],
  ])('%j is refused with its line', (text, why) => {
    expect(() => resolve(text, text.startsWith('Host') ? 'x' : 'prod')).toThrow(why);
  });
});

test.each([
  ['a.example', ['*.example'], true],
  ['a.example', ['*.example', '!a.*'], false],
  ['aXexample', ['a.example'], false],
  ['[h]:22', ['[h]:22'], true],
  ['h', [], false],
])('%s against %j', (text, patterns, matches) => {
  expect(matchesPatterns(text, patterns)).toBe(matches);
});

import { expect, test } from 'vitest';
import { originOf, parseRemote, resolveSubmoduleUrl, sameRepository } from '../../../lib/git/url.ts';

test.each([
  ['https://git.example.org/team/gb.git', '../BotServer.git', 'https://git.example.org/team/BotServer.git'],
  ['https://git.example.org/team/gb', '../../other/x.git', 'https://git.example.org/other/x.git'],
  ['git@git.example.org:team/gb.git', '../x.git', 'git@git.example.org:team/x.git'],
  ['ssh://git@git.example.org:2222/team/gb.git', '../x.git', 'ssh://git@git.example.org:2222/team/x.git'],
  ['/srv/git/team/gb.git', '../x.git', '/srv/git/team/x.git'],
  ['https://git.example.org/team/gb.git', 'https://else.example/x.git', 'https://else.example/x.git'],
])('from %s, %s is %s', (root, written, resolved) => {
  expect(resolveSubmoduleUrl(root, written)).toBe(resolved);
});

test.each([
  ['https://git.example.org/team/gb.git', '../../../x.git'],
  ['ssh://git@git.example.org/team/gb.git', '../../../x.git'],
])('from %s, %s climbs out of the host and is refused', (root, written) => {
  expect(() => resolveSubmoduleUrl(root, written)).toThrow(/climbs out of/);
});

test.each(['/srv/git/secret.git', 'file:///srv/git/secret.git'])(
  'a root on the network can not have %s read on the runner',
  (written) => {
    expect(() => resolveSubmoduleUrl('https://git.example.org/team/gb.git', written)).toThrow(/is a local path/);
    expect(resolveSubmoduleUrl('/srv/git/gb.git', written)).toBe(written);
  },
);

test('the same repository is known by ssh and https, in any case, with and without .git', () => {
  expect(sameRepository('https://git.example.org/team/BotServer.git', 'git@git.example.org:team/botserver')).toBe(true);
  expect(sameRepository('https://git.example.org/team/a', 'https://git.example.org/team/b')).toBe(false);
});

test('a URL with a password in it is not accepted as a remote', () => {
  expect(parseRemote('https://me:secret@git.example.org/team/gb.git')).toBeUndefined();
});

test('a token is for an origin with its port, and for none over ssh', () => {
  expect(originOf('https://git.example.org:3000/team/gb.git')).toBe('https://git.example.org:3000');
  expect(originOf('ssh://git@git.example.org/team/gb.git')).toBeUndefined();
});

test.each([
  ['ext::sh -c id', /transport helper/],
  ['fd::3', /transport helper/],
  ['--upload-pack=touch x', /starts with a dash/],
  ['-oProxyCommand=x:y', /starts with a dash/],
  ['git@-oProxyCommand=x:y', /starts with a dash/],
  ['ssh://-oX/y', /starts with a dash/],
  ['ssh://-oX@h/y', /starts with a dash/],
  ['https://me:secret@git.example.org/x.git', /has a password in it/],
  ['https://git.example.org/a b.git', /has blanks in it/],
  ['file://host/x', /unknown form/],
  ['git+ssh://host/x', /unknown form/],
  ['x', /unknown form/],
  ['a\n::set-env name=A::b', /control characters/],
])('%s is refused before git sees it, and not repeated', (written, why) => {
  expect(parseRemote(written)).toBeUndefined();
  expect(() => resolveSubmoduleUrl('https://git.example.org/team/gb.git', written)).toThrow(why);
});

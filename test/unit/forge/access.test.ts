import { expect, test } from 'vitest';
import { apiOf } from '../../../lib/forge/access.ts';

const OWN = {
  serverUrl: 'https://git.example.org',
  apiUrl: 'https://git.example.org/api/v1',
  platform: 'forgejo' as const,
};

test.each([
  ['https://git.example.org/team/gb.git', 'https://git.example.org/api/v1', 'forgejo'],
  ['git@git.example.org:team/gb.git', 'https://git.example.org/api/v1', 'forgejo'],
  ['ssh://git@git.example.org:2222/team/gb.git', 'https://git.example.org/api/v1', 'forgejo'],
  ['https://git.example.org:3000/team/gb.git', 'https://git.example.org:3000/api/v1', 'forgejo'],
  ['https://else.example/forge/team/gb', 'https://else.example/forge/api/v1', 'forgejo'],
  ['https://github.com/team/gb', 'https://api.github.com', 'github'],
])('the API of %s is at %s', (url, apiUrl, kind) => {
  expect(apiOf(url, OWN)).toEqual({ apiUrl, kind, repository: 'team/gb' });
});

test.each(['/srv/git/team/gb.git', 'git@other.example:team/gb.git'])('%s has no API', (url) => {
  expect(apiOf(url, OWN)).toBeUndefined();
});

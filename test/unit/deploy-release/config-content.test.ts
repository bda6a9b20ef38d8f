import { expect, test } from 'vitest';
import { contentObstacles } from '../../../actions/deploy-release/plan/config-content.ts';

const part = (given: object) => ({
  source: 'Caddyfile',
  destination: '/etc/caddy/Caddyfile',
  mustContain: [],
  shrinkAtMost: undefined,
  ...given,
});
const whys = (given: object, text: string, liveBytes?: number) =>
  contentObstacles(part(given), Buffer.from(text), liveBytes).map(({ why }) => why);

test('a file that lacks a text is refused, once for each text', () => {
  expect(whys({ mustContain: ['chat.example.org', 'größe', 'b.example.org'] }, 'b.example.org { größe }')).toEqual([
    "Caddyfile does not contain 'chat.example.org', which must-contain requires.",
  ]);
});

test.each([
  [50, 100, 50, []],
  [50, 100, 49, ['Caddyfile has 49 bytes, the live file 100 bytes: 51% less, and shrink-at-most is 50%.']],
  [0, 100, 99, ['Caddyfile has 99 bytes, the live file 100 bytes: 1% less, and shrink-at-most is 0%.']],
  [0, 100, 200, []],
  [100, 100, 0, []],
  [50, undefined, 1, []],
  [50, 0, 0, []],
  [undefined, 100, 0, []],
])('with shrink-at-most %s, %s bytes live and %i bytes new: %j', (shrinkAtMost, live, bytes, expected) => {
  expect(whys({ shrinkAtMost }, 'x'.repeat(bytes), live)).toEqual(expected);
});

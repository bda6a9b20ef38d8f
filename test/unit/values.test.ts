import { expect, test } from 'vitest';
import { isOwner } from '../../lib/values.ts';

test.each(['app', '1000:1000', 'CORP\\svc app:domain users', 'ada@corp.example', 'host$'])(
  '%j owns a file',
  (owner) => {
    expect(isOwner(owner)).toBe(true);
  },
);

test.each(['', '-x', 'a:b:c', ':a', 'a:', 'a/b', ' a', 'a\nb', 'a: b'])('%j is not an owner', (owner) => {
  expect(isOwner(owner)).toBe(false);
});

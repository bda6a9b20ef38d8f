import { expect, test } from 'vitest';
import { worst } from '../../../actions/deploy-binary/book.ts';

test.each([
  [['active', 'unchanged'], 'active'],
  [['unchanged', 'unchanged'], 'unchanged'],
  [['active', 'untouched'], 'untouched'],
  [['rolled-back', 'unknown', 'active'], 'unknown'],
  [['unknown', 'broken', 'rolled-back'], 'broken'],
  [['staged', 'untouched'], 'staged'],
  [[], 'unchanged'],
] as const)('the worst of %j is %s', (states, state) => {
  expect(worst(states)).toBe(state);
});

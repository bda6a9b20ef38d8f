import { expect, test } from 'vitest';
import { nearest } from '../../lib/nearest.ts';

const NAMES = ['to', 'owner', 'mode', 'must-contain', 'health-url', 'health-port'];

test.each([
  ['must_contain', 'must-contain'],
  ['mustcontain', 'must-contain'],
  ['must-conatin', 'must-contain'],
  ['health-ur', 'health-url'],
  ['healthport', 'health-port'],
  ['onwer', 'owner'],
  ['own', 'owner'],
  ['mdoe', 'mode'],
])('%s was meant to be %s', (name, meant) => {
  expect(nearest(name, NAMES)).toBe(meant);
});

test.each([['x'], ['strategy'], [''], ['a'.repeat(5000)]])('%j is like none of the names', (name) => {
  expect(nearest(name, NAMES)).toBeUndefined();
});

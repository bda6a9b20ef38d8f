import { expect, test } from 'vitest';
import { casesOf, FAULTS, MATRIX } from '../../faults/cases.ts';

const CELLS = FAULTS.reduce((sum, fault) => sum + MATRIX[fault].length, 0);

test('the same seed gives the same cases, another one others', () => {
  expect(casesOf(7, 40)).toEqual(casesOf(7, 40));
  expect(casesOf(7, 40)).not.toEqual(casesOf(8, 40).map((c) => ({ ...c, seed: 7 })));
});

test('a longer list starts with the shorter one', () => {
  expect(casesOf(3, 300).slice(0, 60)).toEqual(casesOf(3, 60));
});

test('the first cases have every fault', () => {
  expect(new Set(casesOf(1, FAULTS.length).map(({ fault }) => fault))).toEqual(new Set(FAULTS));
});

test('every cell comes once before any comes again', () => {
  const cells = casesOf(5, CELLS).map(({ fault, phase }) => `${fault}/${phase}`);
  expect(new Set(cells).size).toBe(CELLS);
});

test('a part of the matrix can be chosen; what is not in it is refused', () => {
  const chosen = casesOf(1, 4, 'signal-kill/swap');
  expect(chosen.map(({ fault, phase }) => `${fault}/${phase}`)).toEqual(Array(4).fill('signal-kill/swap'));
  expect(() => casesOf(1, 4, 'signal-kill/lunch')).toThrow("no fault and phase is like 'signal-kill/lunch'");
});

import { expect, test } from 'vitest';
import { outcomeOf } from '../../../actions/deploy-binary/outcome.ts';

test('what the program said is told without the values of its environment', () => {
  const said = [
    ['why', 'http://localhost/health answers 500: {"token":"Tr0ub4dor"}'],
    ['output', 'started with Tr0ub4dor'],
    ['state', 'rolled-back'],
  ] as const;
  const outcome = outcomeOf({ said, complete: true }, ['APP_TOKEN=Tr0ub4dor', 'APP_MODE=rolled-back', 'APP_LEVEL=5']);
  expect(outcome).toMatchObject({
    state: 'rolled-back',
    why: 'http://localhost/health answers 500: {"token":"***"}',
    output: 'started with ***',
  });
});

test('a process that was proved and is gone since makes no green step', () => {
  const said = [
    ['state', 'active'],
    ['pid', '42'],
    ['gone', '42'],
  ] as const;
  expect(outcomeOf({ said, complete: true }, [])).toMatchObject({
    state: 'broken',
    broken: 'it ended as active, but pid 42 is gone since',
  });
});

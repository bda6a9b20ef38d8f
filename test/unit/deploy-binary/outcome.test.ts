import { describe, expect, test } from 'vitest';
import { outcomeOf } from '../../../actions/deploy-binary/outcome.ts';
import { hiding } from '../../../lib/secrets.ts';
import { type AnswerError, answerOf, type Said } from '../../../lib/ssh/answer.ts';

test('the output of the program is shown without the values of its environment', () => {
  const said = [
    ['why', 'http://localhost/health answers 500: {"token":"Tr0ub4dor"}'],
    ['output', 'started with Tr0ub4dor'],
    ['state', 'rolled-back'],
  ] as const;
  const outcome = told(said, ['APP_TOKEN=Tr0ub4dor', 'APP_MODE=rolled-back', 'APP_LEVEL=5']);
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
  expect(told(said)).toMatchObject({
    state: 'broken',
    broken: 'it finished as active, but pid 42 has since exited',
  });
});

describe('what no transaction says is not believed', () => {
  test.each([
    ['state', 'splendid', 'one of active, untouched, staged, rolled-back, broken'],
    ['state', 'active\n::set-env name=PATH::/tmp', 'one of active, untouched, staged, rolled-back, broken'],
    ['state', 'unknown', 'one of active, untouched, staged, rolled-back, broken'],
    ['pid', '0', 'a pid'],
    ['pid', '-1', 'a pid'],
    ['pid', '12 34', 'a pid'],
    ['pid', '1e3', 'a pid'],
    ['gone', 'self', 'a pid'],
    ['downtime_ms', '-5', 'a whole number'],
    ['downtime_ms', '9'.repeat(30), 'a whole number'],
    ['phase', 'stop', 'a phase'],
    ['phase', '::set-env 12', 'a phase'],
  ])('%s=%j', (key, value, expected) => {
    const refused = refusalOf(() =>
      told([
        ['state', 'active'],
        ['pid', '42'],
        [key, value],
      ]),
    );
    expect(refused.fields.why).toContain(`the target answered something that is not ${expected}: ${key}=`);
    expect(refused.message).not.toMatch(/^\s*::/m);
  });

  test('nor a reason to give up that there is not', () => {
    expect(refusalOf(() => told([['gave_up', 'bored']])).fields.why).toContain('is not one of changed, delta');
  });
});

function told(said: Said, environment: string[] = []) {
  const about = { what: 'Activating /opt/app', where: 'root@web-1:22' };
  return outcomeOf({ answer: answerOf(said, about, hiding(environment)), complete: true });
}

function refusalOf(call: () => unknown): AnswerError {
  try {
    call();
  } catch (error) {
    return error as AnswerError;
  }
  throw new Error('it was believed');
}

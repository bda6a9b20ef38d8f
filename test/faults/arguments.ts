import { parseArgs } from 'node:util';

export interface Asked {
  seed: number;
  runs: number;
  /** Part of `fault/phase`; empty for all. */
  only: string;
  /** One case alone; 0 for all. */
  one: number;
  jobs: number;
  /** Where the table goes; empty for nowhere. */
  write: string;
  /** Go on with an earlier call of the same seed: what it has run is not run again, and is in the table too. */
  resume: boolean;
}

export const USAGE = `npm run faults -- [--seed N] [--runs M] [--only fault/phase] [--case K] [--jobs J] [--write FILE] [--resume]`;

/** What the words ask for. Throws an error that says what is wrong. */
export function parseWords(words: string[]): Asked {
  const { values } = parseArgs({
    args: words,
    options: {
      seed: { type: 'string', default: '1' },
      runs: { type: 'string', default: '570' },
      only: { type: 'string', default: '' },
      case: { type: 'string', default: '0' },
      jobs: { type: 'string', default: '2' },
      write: { type: 'string', default: '' },
      resume: { type: 'boolean', default: false },
    },
  });
  const number = (name: 'seed' | 'runs' | 'case' | 'jobs') => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < 0) throw new Error(`--${name}: a whole number is expected\n${USAGE}`);
    return value;
  };
  return {
    seed: number('seed'),
    runs: Math.max(number('runs'), number('case')),
    only: values.only,
    one: number('case'),
    jobs: Math.max(1, number('jobs')),
    write: values.write,
    resume: values.resume,
  };
}

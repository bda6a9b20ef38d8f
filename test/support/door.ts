import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';

/** A pipe of root's, in place of a device that does harm when it is opened. */
export interface Door {
  /** How often somebody opened it since the last call. */
  opened(): number;
}

const LOOK_EVERY_MS = 5;

/** Makes it; nobody but root may open it. */
export function doorAt(path: string): Door & Disposable {
  execFileSync('mkfifo', ['-m', '600', path]);
  let count = 0;
  const watch = setInterval(() => {
    try {
      closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
      count += 1;
    } catch {
      // Nobody reads it.
    }
  }, LOOK_EVERY_MS);
  return {
    opened: () => {
      const before = count;
      count = 0;
      return before;
    },
    [Symbol.dispose]: () => clearInterval(watch),
  };
}

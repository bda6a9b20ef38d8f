import type { ActionContext } from '../../lib/action/action.ts';
import { STATES, type TargetState } from '../../lib/errors.ts';

/** A transaction that was handed to a target and has not told its end; no secret. */
export interface Begun {
  /** Which of the step's targets, counted from 0. */
  target: number;
  id: string;
  sudo: boolean;
  limitSeconds: number;
}

/** What is known of one target while the step runs. */
export interface Page {
  begin(begun: Omit<Begun, 'target'>): Promise<void>;
  /** The last transaction that began there. */
  begun(): Begun | undefined;
  end(state: TargetState): Promise<void>;
}

/** The state in which a person has the most to do; with none, the best one. */
export function worst(states: readonly TargetState[]): TargetState {
  return STATES.findLast((state) => states.includes(state)) ?? 'unchanged';
}

/**
 * Keeps outputs and saved state true at every moment, for the step may be killed: the post step learns the end of what
 * is still open, and `state` is `unknown` until then.
 */
export function openBook(count: number, context: ActionContext): Page[] {
  const states = Array.from({ length: count }, (): TargetState => 'untouched');
  const open = new Map<number, Begun>();
  const write = async () => {
    context.save('begun', open.size === 0 ? '' : JSON.stringify([...open.values()]));
    await context.outputs({ state: worst(states) });
  };
  return states.map((_, target) => {
    let last: Begun | undefined;
    return {
      begin: async (begun) => {
        last = { target, ...begun };
        open.set(target, last);
        states[target] = 'unknown';
        await write();
      },
      begun: () => last,
      end: async (state) => {
        if (state !== 'unknown') open.delete(target);
        states[target] = state;
        await write();
      },
    };
  });
}

import type { ActionContext } from '../../lib/action/action.ts';
import { STATES, type TargetState } from '../../lib/errors.ts';

/** What a transaction is about: a target, by the line of `host` that names it, and in a release which of its parts. */
export interface Place {
  host: string;
  part?: number;
}

/** A transaction that was handed to a target and has not told its end; no secret. */
export interface Begun extends Place {
  id: string;
  sudo: boolean;
  limitSeconds: number;
}

/** What is known of one target while the step runs. */
export interface Page {
  begin(begun: Omit<Begun, keyof Place>): Promise<void>;
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
export function openBook(places: readonly Place[], context: ActionContext): Page[] {
  const states = places.map((): TargetState => 'untouched');
  const open = new Map<Place, Begun>();
  const write = async () => {
    context.save('begun', open.size === 0 ? '' : JSON.stringify([...open.values()]));
    await context.outputs({ state: worst(states) });
  };
  return places.map((place, target) => {
    let last: Begun | undefined;
    return {
      begin: async (begun) => {
        last = { ...place, ...begun };
        open.set(place, last);
        states[target] = 'unknown';
        await write();
      },
      begun: () => last,
      end: async (state) => {
        if (state !== 'unknown') open.delete(place);
        states[target] = state;
        await write();
      },
    };
  });
}

import type { ActionContext } from '../../lib/action/action.ts';
import { STATES, type TargetState } from '../../lib/errors.ts';

/** A transaction that was handed to a target and has not told its end; no secret. */
export interface Begun {
  /** The line of `host` that names its target. */
  host: string;
  id: string;
  sudo: boolean;
  limitSeconds: number;
}

/** What is known of one target while the step runs. */
export interface Page {
  begin(begun: Omit<Begun, 'host'>): Promise<void>;
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
export function openBook(hosts: readonly string[], context: ActionContext): Page[] {
  const states = hosts.map((): TargetState => 'untouched');
  const open = new Map<string, Begun>();
  const write = async () => {
    context.save('begun', open.size === 0 ? '' : JSON.stringify([...open.values()]));
    await context.outputs({ state: worst(states) });
  };
  return hosts.map((host, target) => {
    let last: Begun | undefined;
    return {
      begin: async (begun) => {
        last = { host, ...begun };
        open.set(host, last);
        states[target] = 'unknown';
        await write();
      },
      begun: () => last,
      end: async (state) => {
        if (state !== 'unknown') open.delete(host);
        states[target] = state;
        await write();
      },
    };
  });
}

import type { ActionContext } from '../action/action.ts';
import type { ConnectionInputs } from './inputs.ts';
import { targetOf } from './resolve-target.ts';
import type { Target } from './target.ts';

/** The hops on the way to `target`, by inputs and SSH config; throws a ConnectionError for a config that can't be followed. */
export function hopsTo(target: Target, inputs: ConnectionInputs, context: ActionContext): Target[] {
  return hopsOf(target, [], (jump, { first }) => {
    const way = first ? undefined : 'none';
    return targetOf(
      jump,
      { ...inputs, user: undefined, port: undefined, container: undefined, 'proxy-jump': way },
      context,
    );
  });
}

/**
 * The hops on the way to `target`, in the order of the way. The first may have jump hosts of its own in the SSH config;
 * the others are reached through the one before. A pattern for all hosts may name a hop that is on the way already.
 */
function hopsOf(
  target: Target,
  passed: readonly string[],
  resolve: (jump: string, at: { first: boolean }) => Target,
): Target[] {
  const jumps = target.jumps.filter((jump) => !passed.includes(jump));
  return jumps.flatMap((jump, index) => {
    const hop = resolve(jump, { first: index === 0 });
    return [...hopsOf(hop, [...passed, ...jumps], resolve), hop];
  });
}

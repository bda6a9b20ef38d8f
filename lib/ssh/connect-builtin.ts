import type { ActionContext } from '../action/action.ts';
import type { BuiltinHost } from './builtin-host.ts';
import type { Host } from './host.ts';
import type { ConnectionInputs } from './inputs.ts';
import { login } from './login.ts';
import { targetOf } from './resolve-target.ts';
import type { Target } from './target.ts';

/** Connects with the built-in client, from hop to hop; the last one is the target. */
export async function connectBuiltin(target: Target, inputs: ConnectionInputs, context: ActionContext): Promise<Host> {
  const hops = hopsOf(target, [], (jump, { first }) => {
    const way = first ? undefined : 'none';
    return targetOf(
      jump,
      { ...inputs, user: undefined, port: undefined, container: undefined, 'proxy-jump': way },
      context,
    );
  });
  const opened: BuiltinHost[] = [];
  try {
    for (const [index, hop] of [...hops, target].entries()) {
      const before = opened.at(-1);
      const sock = await before?.forward(hop);
      opened.push(await login(hop, { inputs, context, sock, jump: index < hops.length }));
    }
  } catch (error) {
    for (const host of opened.reverse()) await host[Symbol.asyncDispose]();
    throw error;
  }
  const last = opened.pop() as BuiltinHost;
  return {
    ...last,
    [Symbol.asyncDispose]: async () => {
      await last[Symbol.asyncDispose]();
      for (const host of opened.reverse()) await host[Symbol.asyncDispose]();
    },
  };
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

import type { ActionContext } from '../action/action.ts';
import type { BuiltinHost } from './builtin-host.ts';
import { hopsTo } from './hops.ts';
import type { Host } from './host.ts';
import type { ConnectionInputs } from './inputs.ts';
import { login } from './login.ts';
import type { Target } from './target.ts';

/** Connects with the built-in client, from hop to hop; the last one is the target. */
export async function connectBuiltin(target: Target, inputs: ConnectionInputs, context: ActionContext): Promise<Host> {
  const hops = hopsTo(target, inputs, context);
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

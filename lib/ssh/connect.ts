import { setTimeout as sleep } from 'node:timers/promises';
import type { ActionContext } from '../action/action.ts';
import { ConnectionError } from '../errors.ts';
import { isTransient } from './failures.ts';
import type { Host } from './host.ts';
import type { ConnectionInputs } from './inputs.ts';
import { login } from './login.ts';
import { targetOf } from './resolve-target.ts';
import type { Target } from './target.ts';

export type { Host } from './host.ts';

const TRIES = 3;

/** Connects and logs in once. Tries again only where the network, not a key, is the cause. */
export async function connect(inputs: ConnectionInputs, context: ActionContext): Promise<Host> {
  const { log } = context;
  log.mask(inputs['ssh-key']);
  log.mask(inputs['ssh-key-passphrase']);
  const target = targetOf(inputs.host, inputs, context);
  for (let tried = 1; ; tried += 1) {
    try {
      return await connectThrough(target, inputs, context);
    } catch (error) {
      if (
        tried >= TRIES ||
        !(error instanceof ConnectionError) ||
        !isTransient(error.fields.cause) ||
        context.signal.aborted
      )
        throw error;
      log.line(`Attempt ${tried} of ${TRIES} failed: ${error.fields.why}`);
      await sleep(tried * (500 + Math.random() * 1000), undefined, { signal: context.signal }).catch(() => undefined);
    }
  }
}

/** Goes from hop to hop; the last one is the target. */
async function connectThrough(target: Target, inputs: ConnectionInputs, context: ActionContext): Promise<Host> {
  const hops = hopsOf(target, [], (jump, { first }) => {
    const way = first ? undefined : 'none';
    return targetOf(
      jump,
      { ...inputs, user: undefined, port: undefined, container: undefined, 'proxy-jump': way },
      context,
    );
  });
  const opened: Host[] = [];
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
  const last = opened.pop() as Host;
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

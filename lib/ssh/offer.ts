import type { AnyAuthMethod, AuthHandlerMiddleware, Client } from 'ssh2';
import type { Identity } from './identities.ts';

/** What happened during one login, for what is reported about it. */
export interface Offers {
  /** Labels of the keys that were offered, in order. */
  keys: string[];
  /** The last one that the server accepted, alone or as a part. */
  accepted: string | undefined;
  /** Methods that the server would take, as it said last. */
  methods: readonly string[];
  /** Set when what was offered was right, and the server wants more. */
  partial: boolean;
  /** What the server asked to be typed. */
  prompts: string[];
}

/**
 * Offers one identity after the other within one connection. OpenSSH and dropbear are not asked for the methods before, which
 * would cost a round trip, and not to be let in without a key, which counts as an attempt; others may let in without any key (Tailscale), and close when they are offered one.
 */
export function offerInTurn(
  username: string,
  identities: readonly Identity[],
  client: () => Client | null,
): { offers: Offers; handler: AuthHandlerMiddleware } {
  const offers: Offers = { keys: [], accepted: undefined, methods: [], partial: false, prompts: [] };
  const rest: Attempt[] = identities.map((identity) => ({ method: 'publickey', identity }));
  let last: Attempt | undefined;
  return {
    offers,
    handler: (methodsLeft, partial, next) => {
      if (last === undefined && (rest.length === 0 || mayNeedNoKey(client()))) rest.unshift({ method: 'none' });
      if (methodsLeft) offers.methods = methodsLeft;
      if (partial) {
        Object.assign(offers, { partial: true, accepted: labelOf(last) });
        rest.push({ method: 'keyboard-interactive' });
      }
      last = rest.shift();
      while (last && !isWorthAsking(last, offers)) last = rest.shift();
      if (last?.identity) offers.keys.push(last.identity.label);
      next(last ? methodOf(last, username, offers) : (false as never));
    },
  };
}

interface Attempt {
  method: 'none' | 'publickey' | 'keyboard-interactive';
  identity?: Identity;
}

/** By what the server calls itself. */
function mayNeedNoKey(client: Client | null): boolean {
  const { _remoteVer: software = '' } = (client ?? {}) as { _remoteVer?: string };
  return !/^(OpenSSH|dropbear)/i.test(software);
}

function isWorthAsking({ method }: Attempt, { methods, partial }: Offers): boolean {
  if (method === 'none') return !partial;
  return methods.length === 0 || methods.includes(method);
}

function methodOf({ method, identity }: Attempt, username: string, offers: Offers): AnyAuthMethod {
  if (identity?.agent) return { type: 'agent', username, agent: identity.agent };
  if (identity) return { type: 'publickey', username, key: identity.key as never };
  if (method === 'none') return { type: 'none', username };
  return {
    type: 'keyboard-interactive',
    username,
    // Some servers ask nothing here, and wait for a tap on a telephone. What must be typed nobody is there to type.
    prompt: (_name, _instructions, _language, prompts, answer) => {
      offers.prompts.push(...prompts.map(({ prompt }) => prompt.trim()));
      answer([]);
    },
  };
}

function labelOf(attempt: Attempt | undefined): string | undefined {
  return attempt?.identity?.label;
}

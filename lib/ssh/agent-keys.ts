import ssh2 from 'ssh2';

/** A key that an agent holds: it signs, and the key stays there. */
export interface AgentKey {
  key: ssh2.ParsedKey;
  /** An agent with this key only, for one attempt to log in. */
  agent: ssh2.BaseAgent;
}

const ANSWER_SECONDS = 5;

/** The keys of the agent at `socket`, in its order; or why it has none. */
export async function agentKeys(socket: string): Promise<AgentKey[] | string> {
  const agent = new ssh2.OpenSSHAgent(socket);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, ANSWER_SECONDS * 1000, `it did not answer within ${ANSWER_SECONDS} s`);
  });
  const asked = new Promise<AgentKey[] | string>((resolve) => {
    agent.getIdentities((error, keys = []) => {
      if (error) return resolve(error.message);
      const parsed = keys
        .map((key) => ssh2.utils.parseKey(key as never))
        .flatMap((key) => (Array.isArray(key) ? key : [key]));
      return resolve(parsed.flatMap((key) => (key instanceof Error ? [] : [{ key, agent: new OneKey(socket, key) }])));
    });
  });
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}

class OneKey extends ssh2.OpenSSHAgent {
  readonly #key: ssh2.ParsedKey;

  constructor(socket: string, key: ssh2.ParsedKey) {
    super(socket);
    this.#key = key;
  }

  override getIdentities(done: Parameters<ssh2.OpenSSHAgent['getIdentities']>[0]): void {
    done(undefined, [this.#key]);
  }
}

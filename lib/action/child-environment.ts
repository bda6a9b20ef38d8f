const PRIVATE = /^(INPUT_|STATE_|ACTIONS_|(GITHUB|FORGEJO|GITEA)_TOKEN$)/i;

/** `env` without what only an action needs: inputs, saved states and the tokens of the job. */
export function childEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  const kept = Object.entries(env).filter(([name, value]) => value !== undefined && !PRIVATE.test(name));
  return Object.fromEntries(kept) as Record<string, string>;
}

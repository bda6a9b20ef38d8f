import { setTimeout as sleep } from 'node:timers/promises';
import type { ActionContext } from '../action/action.ts';
import { Failure } from '../errors.ts';
import { oneLine, shortened } from '../foreign.ts';
import { apiOf, automaticToken, isOwnerAndName } from './access.ts';
import { type Forge, openForge } from './client.ts';

/** What a commit status says of one target. */
export interface Status {
  state: 'pending' | 'success' | 'failure' | 'error';
  /** In words of ours: never what a target said. */
  description: string;
}

/** The commit statuses of a step, one for each of its targets. None of its methods fails. */
export interface Statuses extends AsyncDisposable {
  /** Sends it behind what this target had before; once is enough for what it has already. */
  set(target: number, status: Status | undefined): void;
}

export interface StatusInputs {
  /** `deploy` for statuses `deploy/web-1`; undefined for none. */
  context: string | undefined;
  token: string | undefined;
}

const AT_A_TIME = 4;
const TRIES = 2;
const PAUSE_MS = 500;
/** So long the end of the step waits for what is not sent yet. */
const SETTLE_SECONDS = 10;
const NAME_CHARACTERS = 200;
/** GitHub takes no more. */
const DESCRIPTION_CHARACTERS = 140;

/**
 * Opens the commit statuses of the commit of this run, `CONTEXT/TARGET` each, and sets all of them to pending. The first one that can't
 * be set is a warning, and the last one that is tried. At its end, those that have no result are an error.
 */
export function openStatuses(
  targets: readonly string[],
  { context: name, token }: StatusInputs,
  context: ActionContext,
): Statuses {
  const forge = name === undefined ? undefined : forgeOf(token, context);
  if (!forge || name === undefined) return { set: () => undefined, [Symbol.asyncDispose]: async () => undefined };
  const { log, run } = context;
  const last: (Status | undefined)[] = [];
  const queues = Array.from({ length: AT_A_TIME }, () => Promise.resolve());
  let gaveUp = false;
  const giveUp = (why: string) => {
    if (!gaveUp) log.warning(`The commit status could not be set: ${why} The deploy does not depend on it.`);
    gaveUp = true;
  };
  const send = async (target: number, { state, description }: Status) => {
    if (gaveUp) return;
    const body = {
      state,
      context: shortened(oneLine(`${name}/${targets[target]}`), NAME_CHARACTERS),
      description: shortened(oneLine(description), DESCRIPTION_CHARACTERS - 1),
      ...(run.url ? { target_url: run.url } : {}),
    };
    await setStatus(forge, run.sha, body).catch((error: unknown) => giveUp(reasonOf(error)));
  };
  const set = (target: number, status: Status | undefined) => {
    if (!status) return;
    const before = last[target];
    if (before?.state === status.state && before.description === status.description) return;
    last[target] = status;
    const queue = target % AT_A_TIME;
    queues[queue] = (queues[queue] as Promise<void>).then(() => send(target, status));
  };
  for (const target of targets.keys()) set(target, { state: 'pending', description: 'in progress' });
  return {
    set,
    [Symbol.asyncDispose]: async () => {
      for (const [target, status] of last.entries())
        if (status?.state === 'pending') set(target, { state: 'error', description: 'the step ended before' });
      const limit = sleep(SETTLE_SECONDS * 1000, 'late', { ref: false });
      const ended = await Promise.race([Promise.all(queues), limit]);
      if (ended === 'late') giveUp(`the forge did not take all of them within ${SETTLE_SECONDS} s.`);
    },
  };
}

/** Where the statuses go: the repository of this run. Undefined, with a warning, where that or a token for it is unknown. */
function forgeOf(given: string | undefined, context: ActionContext): Forge | undefined {
  const { run, log } = context;
  log.mask(given);
  const access = isOwnerAndName(run.repository) ? apiOf(`${run.serverUrl}/${run.repository}`, run) : undefined;
  const token = given ?? automaticToken(context);
  if (access && token && run.sha) return openForge({ ...access, token });
  const missing = token ? 'the runner does not say which commit of which repository this is.' : 'there is no `token`.';
  log.warning(`The commit status could not be set: ${missing}`);
  return undefined;
}

async function setStatus(forge: Forge, commit: string, body: object): Promise<void> {
  for (let tried = 1; ; tried += 1) {
    try {
      await forge.send('POST', `/statuses/${encodeURIComponent(commit)}`, {
        body,
        told: { what: 'Setting the commit status' },
      });
      return;
    } catch (error) {
      if (tried === TRIES) throw error;
      await sleep(PAUSE_MS);
    }
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Failure ? error.fields.why : String(error);
}

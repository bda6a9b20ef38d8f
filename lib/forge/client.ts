import { setTimeout as sleep } from 'node:timers/promises';
import { ForgejoError } from '../errors.ts';

export interface Answer {
  status: number;
  /** Parsed JSON; undefined where the body is empty or is none. */
  body: unknown;
}

/** The API of one repository on a forge. */
export interface Forge {
  readonly repository: string;
  readonly kind: ForgeKind;
  /** The repository's page in the browser. */
  readonly page: string;
  /** Asks below the repository (`/pulls?…`); tried again when the forge is not there for a moment. */
  get(path: string, told: Told): Promise<Answer>;
  /** Changes something there; never sent twice. */
  send(method: 'POST' | 'PATCH', path: string, request: { body: object; told: Told }): Promise<Answer>;
  /** The server's version, `11.0.3+gitea-1.22.0`; empty where it tells none. */
  version(): Promise<string>;
}

export type ForgeKind = 'forgejo' | 'gitea' | 'github';

/** For the message of a failure: what is done, and the statuses that are answers and no failures. */
export interface Told {
  what: string;
  accept?: readonly number[];
  /** How long the forge may be away before it counts as one. */
  patienceSeconds?: number;
}

export interface ForgeAccess {
  /** https://git.example.org/api/v1 */
  apiUrl: string;
  /** owner/name */
  repository: string;
  token: string;
  kind: ForgeKind;
  /** Told when a request is tried again. */
  onRetry?: (line: string) => void;
}

const REQUEST_SECONDS = 30;
const TRIES = 4;
/** Retries are reported at most this often. */
const PROGRESS_SECONDS = 15;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
const ANSWER_BYTES_AT_MOST = 8 * 1024 * 1024;
const QUOTED_CHARACTERS = 2000;

/** Opens the API of a repository. Throws a ForgejoError, one message per cause, for every answer that is none. */
export function openForge(access: ForgeAccess): Forge {
  const base = `${access.apiUrl}/repos/${access.repository}`;
  return {
    repository: access.repository,
    kind: access.kind,
    page: `${access.apiUrl.replace(/\/api\/v\d+$/, '')}/${access.repository}`,
    get: async (path, told) => {
      const patientUntil = Date.now() + (told.patienceSeconds ?? 0) * 1000;
      let toldAt = 0;
      for (let tried = 1; ; tried += 1) {
        const enough = tried >= TRIES && Date.now() >= patientUntil;
        const answer = await ask(access, { method: 'GET', url: base + path }).catch((error: unknown) => {
          if (enough) throw unreachable(access, told, error);
          return undefined;
        });
        const passing = answer === undefined || answer.status >= 500 || answer.status === 429;
        if (answer && (!passing || enough)) return judged(access, answer, told);
        if (Date.now() - toldAt >= PROGRESS_SECONDS * 1000) {
          toldAt = Date.now();
          const why = answer ? `the forge answered ${answer.status}` : "the forge can't be reached";
          access.onRetry?.(`${told.what}: ${why}; trying again`);
        }
        await sleep(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tried - 1)));
      }
    },
    send: async (method, path, { body, told }) => {
      const answer = await ask(access, { method, url: base + path, body }).catch((error: unknown) => {
        throw unreachable(access, told, error);
      });
      return judged(access, answer, told);
    },
    version: async () => {
      const answer = await ask(access, { method: 'GET', url: `${access.apiUrl}/version` }).catch(() => undefined);
      const { version } = (answer?.body ?? {}) as { version?: unknown };
      return typeof version === 'string' ? version : '';
    },
  };
}

interface Asked extends Answer {
  text: string;
  location: string;
}

async function ask(
  { token, kind }: ForgeAccess,
  { method, url, body }: { method: string; url: string; body?: object },
): Promise<Asked> {
  const response = await fetch(url, {
    method,
    // A redirect would take the token elsewhere, or turn a POST into a GET.
    redirect: 'manual',
    signal: AbortSignal.timeout(REQUEST_SECONDS * 1000),
    headers: {
      accept: 'application/json',
      'user-agent': 'forgejo-deploy-toolkit',
      authorization: kind === 'github' ? `Bearer ${token}` : `token ${token}`,
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await readLimited(response);
  return { status: response.status, body: parsed(text), text, location: response.headers.get('location') ?? '' };
}

async function readLimited(response: Response): Promise<string> {
  const blocks: Uint8Array[] = [];
  let bytes = 0;
  for await (const block of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += block.length;
    if (bytes > ANSWER_BYTES_AT_MOST) throw new Error(`its answer is longer than ${ANSWER_BYTES_AT_MOST} bytes`);
    blocks.push(block);
  }
  return Buffer.concat(blocks).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function judged(access: ForgeAccess, answer: Asked, { what, accept = [] }: Told): Answer {
  const { status, body, text, location } = answer;
  const usable = status === 204 || body !== undefined;
  if ((status >= 200 && status < 300 && usable) || accept.includes(status)) return { status, body };
  const [why, remedy] = reasonOf(answer, location);
  throw new ForgejoError({
    what,
    where: `${access.apiUrl}/repos/${access.repository}`,
    why,
    remedy,
    // A 401 repeats the token it refuses.
    output: (messageOf(body) ?? text).replaceAll(access.token, '***').slice(0, QUOTED_CHARACTERS),
  });
}

function reasonOf({ status }: Answer, location: string): [why: string, remedy: string] {
  if (status === 401)
    return ['the token is refused (401).', 'create a new token, and store it as the secret that `token` uses.'];
  if (status === 403)
    return [
      'the token lacks permission (403).',
      "set `token` to that of a user with write access (scope write:repository); the run's automatic token is limited to its own repository.",
    ];
  if (status === 404)
    return [
      'not found, or not visible to this token (404).',
      "correct the name, or set another `token`: the run's automatic token is limited to its own repository.",
    ];
  if (status === 429) return ['the forge is limiting the rate of requests (429).', 're-run the job later.'];
  if (status >= 300 && status < 400)
    return [`the forge redirects to ${location} (${status}).`, 'set `repository` to its new address.'];
  if (status >= 500) return [`the forge failed (${status}).`, 'read its answer below, then re-run the job.'];
  if (status < 300)
    return [
      `the answer (${status}) is not JSON; a proxy may have answered instead of the forge.`,
      'check the address, and any proxy in front of it.',
    ];
  return [`the forge refused the request (${status}).`, 'read its answer below.'];
}

function messageOf(body: unknown): string | undefined {
  const { message } = (body ?? {}) as { message?: unknown };
  return typeof message === 'string' ? message : undefined;
}

function unreachable({ apiUrl }: ForgeAccess, { what }: Told, error: unknown): ForgejoError {
  const { cause, message } = error as Error & { cause?: { code?: string; message?: string } };
  const timeout = (error as Error).name === 'TimeoutError';
  return new ForgejoError({
    what,
    where: apiUrl,
    why: timeout
      ? `the forge did not answer within ${REQUEST_SECONDS} s.`
      : `the forge can't be reached: ${cause?.code ?? cause?.message ?? message}.`,
    remedy: 'check the address and the network, then re-run the job.',
    cause: error,
  });
}

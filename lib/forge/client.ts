import { setTimeout as sleep } from 'node:timers/promises';
import { ForgejoError } from '../errors.ts';
import { type Reason, type Refusal, reasonOf, unreachableReason } from './reasons.ts';
import { readTail } from './tail.ts';

export interface Answer {
  status: number;
  /** Parsed JSON; undefined where the body is empty or is none. */
  body: unknown;
  /** The clock of the forge, in milliseconds; 0 where it says none. */
  at: number;
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
  /** The last bytes of a text (`/actions/jobs/7/logs`); undefined where the forge has none. */
  tail(path: string, bytes: number): Promise<string | undefined>;
  /** The login that the token belongs to; empty where the forge does not say. */
  login(): Promise<string>;
  /** The server's version, `11.0.3+gitea-1.22.0`; empty where it tells none. */
  version(): Promise<string>;
}

export type ForgeKind = 'forgejo' | 'gitea' | 'github';

/** For the message of a failure: what is done, and the statuses that are answers and no failures. */
export interface Told {
  what: string;
  accept?: readonly number[];
  acceptIf?: (answer: Answer) => boolean;
  /** What a status means here, where that is more than it says alone. */
  reasons?: Readonly<Record<number, Reason>>;
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
  /** When the step is to end nothing is tried again. */
  signal?: AbortSignal;
}

const REQUEST_SECONDS = 30;
const TRIES = 4;
/** Retries are reported at most this often. */
const PROGRESS_SECONDS = 15;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
/** A forge that asks for a longer pause gets none: the step says so instead. */
const SLOW_DOWN_SECONDS = 60;
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
        const enough = (tried >= TRIES && Date.now() >= patientUntil) || access.signal?.aborted === true;
        const answer = await ask(access, { method: 'GET', url: base + path }).catch((error: unknown) => {
          if (enough) throw unreachable(access, told, error);
          return undefined;
        });
        if (answer && (enough || !isPassing(answer))) return judged(access, answer, told);
        if (Date.now() - toldAt >= PROGRESS_SECONDS * 1000) {
          toldAt = Date.now();
          const why = answer ? `the forge answered ${answer.status}` : "the forge can't be reached";
          access.onRetry?.(`${told.what}: ${why}; trying again`);
        }
        const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tried - 1));
        await sleep(Math.max(pause, (answer?.retryAfterSeconds ?? 0) * 1000), undefined, {
          signal: access.signal,
        }).catch(() => undefined);
      }
    },
    send: async (method, path, { body, told }) => {
      const answer = await ask(access, { method, url: base + path, body }).catch((error: unknown) => {
        throw unreachable(access, told, error);
      });
      return judged(access, answer, told);
    },
    tail: (path, bytes) => readTail(base + path, bytes, headersOf(access)),
    login: () => askText(access, '/user', 'login'),
    version: () => askText(access, '/version', 'version'),
  };
}

/** One text that the server itself tells; empty where it does not. */
async function askText(access: ForgeAccess, path: string, name: string): Promise<string> {
  const answer = await ask(access, { method: 'GET', url: access.apiUrl + path }).catch(() => undefined);
  const value = answer?.status === 200 ? (answer.body as Record<string, unknown> | undefined)?.[name] : undefined;
  return typeof value === 'string' ? value : '';
}

interface Asked extends Answer, Refusal {
  text: string;
}

/** Whether it may be another one in a moment. */
function isPassing({ status, isLimited, retryAfterSeconds = 0 }: Asked): boolean {
  return status >= 500 || ((status === 429 || isLimited) && retryAfterSeconds <= SLOW_DOWN_SECONDS);
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
      ...headersOf({ token, kind }),
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await readLimited(response);
  const { status, headers } = response;
  const after = headers.get('retry-after') ?? '';
  return {
    status,
    body: parsed(text),
    text,
    at: Date.parse(headers.get('date') ?? '') || 0,
    location: headers.get('location') ?? '',
    retryAfterSeconds: /^\d{1,6}$/.test(after) ? Number(after) : undefined,
    // GitHub says so with a 403.
    isLimited: (status === 403 && after !== '') || (status >= 400 && headers.get('x-ratelimit-remaining') === '0'),
  };
}

/** What every request to the forge carries. */
function headersOf({ token, kind }: Pick<ForgeAccess, 'token' | 'kind'>): Record<string, string> {
  return {
    'user-agent': 'forgejo-deploy-toolkit',
    authorization: kind === 'github' ? `Bearer ${token}` : `token ${token}`,
  };
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

function judged(access: ForgeAccess, answer: Asked, { what, accept = [], acceptIf, reasons }: Told): Answer {
  const { status, body, text, at } = answer;
  const usable = status === 204 || body !== undefined;
  if ((status >= 200 && status < 300 && usable) || accept.includes(status) || acceptIf?.(answer))
    return { status, body, at };
  const [why, remedy] = reasonOf(answer, reasons);
  throw new ForgejoError({
    what,
    where: `${access.apiUrl}/repos/${access.repository}`,
    why,
    remedy,
    // A 401 repeats the token it refuses.
    output: (messageOf(body) ?? text).replaceAll(access.token, '***').slice(0, QUOTED_CHARACTERS),
  });
}

function messageOf(body: unknown): string | undefined {
  const { message } = (body ?? {}) as { message?: unknown };
  return typeof message === 'string' ? message : undefined;
}

function unreachable({ apiUrl }: ForgeAccess, { what }: Told, error: unknown): ForgejoError {
  const [why, remedy] = unreachableReason(error, REQUEST_SECONDS);
  return new ForgejoError({ what, where: apiUrl, why, remedy, cause: error });
}

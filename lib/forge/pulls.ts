import type { Forge } from './client.ts';

/** An open pull request of a branch of this very repository. */
export interface PullRequest {
  number: number;
  branch: string;
  base: string;
  url: string;
}

const PAGE = 50;
const PAGES_AT_MOST = 40;
const EXISTS = 409;
const GITHUB_EXISTS = 422;

/** The open requests into `base` whose branch begins with `prefix`, oldest first; requests from forks are left out. */
export async function openPulls(forgejo: Forge, base: string, prefix: string): Promise<PullRequest[]> {
  const found: PullRequest[] = [];
  const size = forgejo.kind === 'github' ? 'per_page' : 'limit';
  for (let page = 1; page <= PAGES_AT_MOST; page += 1) {
    const { body } = await forgejo.get(`/pulls?state=open&${size}=${PAGE}&page=${page}`, {
      what: 'Listing the pull requests',
    });
    const list = Array.isArray(body) ? body : [];
    found.push(...list.flatMap((one) => parsePull(one, forgejo.repository) ?? []));
    // A server may give fewer than asked for on every page.
    if (list.length === 0) break;
  }
  return found
    .filter((pull) => pull.base === base && pull.branch.startsWith(prefix))
    .sort((one, other) => one.number - other.number);
}

export interface PullText {
  title: string;
  body: string;
}

/** Opens a request; undefined when there is one already. */
export async function openPull(
  forgejo: Forge,
  { head, base }: { head: string; base: string },
  text: PullText,
): Promise<PullRequest | undefined> {
  const { status, body } = await forgejo.send('POST', '/pulls', {
    body: { ...text, head, base },
    told: {
      what: `Opening a pull request for ${head}`,
      accept: forgejo.kind === 'github' ? [GITHUB_EXISTS] : [EXISTS],
    },
  });
  return status < 300 ? parsePull(body, forgejo.repository) : undefined;
}

/** Gives an open request a new title and text. */
export async function updatePull(forgejo: Forge, { number }: PullRequest, text: PullText): Promise<void> {
  await forgejo.send('PATCH', `/pulls/${number}`, {
    body: text,
    told: { what: `Updating pull request ${number}` },
  });
}

function parsePull(told: unknown, repository: string): PullRequest | undefined {
  const pull = (told ?? {}) as {
    number?: unknown;
    html_url?: unknown;
    head?: { ref?: unknown; repo?: { full_name?: unknown } | null };
    base?: { ref?: unknown };
  };
  const { number, html_url: url, head, base } = pull;
  if (typeof number !== 'number' || typeof head?.ref !== 'string' || typeof base?.ref !== 'string') return undefined;
  const from = head.repo?.full_name;
  if (typeof from === 'string' && from.toLowerCase() !== repository.toLowerCase()) return undefined;
  return { number, branch: head.ref, base: base.ref, url: typeof url === 'string' ? url : '' };
}

const READ_SECONDS = 30;

/**
 * The last bytes of a text that may be huge, without what comes before them where the server can leave it out; undefined where it has
 * none. A redirect elsewhere, as GitHub's to its store of logs, is followed once, and without the token.
 */
export async function readTail(
  url: string,
  bytes: number,
  headers: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const signal = AbortSignal.timeout(READ_SECONDS * 1000);
  const range = { range: `bytes=-${bytes}`, accept: 'text/plain, */*' };
  const asked = { redirect: 'manual', signal } as const;
  let response = await fetch(url, { ...asked, headers: { ...range, ...headers } });
  const elsewhere = response.headers.get('location');
  if (response.status >= 300 && response.status < 400 && elsewhere && isAllowed(elsewhere, url)) {
    await response.body?.cancel();
    response = await fetch(new URL(elsewhere, url), { ...asked, headers: range });
  }
  if (response.status === 416) return '';
  if (!response.ok) {
    await response.body?.cancel();
    return undefined;
  }
  return lastOf(response, bytes);
}

/** Never from https to a connection that anybody can read and change. */
function isAllowed(location: string, from: string): boolean {
  if (!URL.canParse(location, from)) return false;
  const { protocol } = new URL(location, from);
  return protocol === 'https:' || protocol === new URL(from).protocol;
}

async function lastOf(response: Response, bytes: number): Promise<string> {
  const kept: Uint8Array[] = [];
  let size = 0;
  for await (const block of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    kept.push(block);
    size += block.length;
    while (kept[0] !== undefined && size - kept[0].length >= bytes) size -= kept.shift()?.length ?? 0;
  }
  return Buffer.concat(kept).subarray(-bytes).toString('utf8');
}

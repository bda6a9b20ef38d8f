import type { IncomingMessage } from 'node:http';

/** The whole body of a request. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const blocks: Buffer[] = [];
  for await (const block of request) blocks.push(block as Buffer);
  return Buffer.concat(blocks);
}

/** Asks the git server behind a forge the same. */
export async function onwards(gitUrl: string, request: IncomingMessage, body: Buffer) {
  const headers = Object.fromEntries(
    ['authorization', 'content-type', 'content-encoding', 'git-protocol', 'accept'].flatMap((name) => {
      const value = request.headers[name];
      return value === undefined ? [] : [[name, String(value)]];
    }),
  );
  const response = await fetch(`${gitUrl}${request.url}`, {
    method: request.method ?? 'GET',
    headers,
    ...(body.length > 0 ? { body: new Uint8Array(body) } : {}),
  });
  return {
    status: response.status,
    headers: { 'content-type': response.headers.get('content-type') ?? 'text/plain' },
    content: Buffer.from(await response.arrayBuffer()),
  };
}

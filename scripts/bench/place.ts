import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type ProxyOptions, proxy, type Proxy as TcpProxy } from '../../test/support/proxy.ts';
import { freePort, type Sshd, sshd } from '../../test/support/sshd.ts';

/** Two directions of so many bits a second each, and the time there and back. */
export const LINKS: Record<string, ProxyOptions | undefined> = {
  loopback: undefined,
  '100 Mbit/s, 50 ms': { delayMs: 25, bytesPerSecond: 12.5e6 },
  '20 Mbit/s, 50 ms': { delayMs: 25, bytesPerSecond: 2.5e6 },
};

/** Where a link leads to: a throwaway sshd on this machine, with a folder and a port for the service deployed. */
export interface Place extends AsyncDisposable {
  link: string;
  folder: string;
  /** Where the service listens. */
  port: number;
  server: Sshd;
  /** The way to the server that is measured, and the direct one, for what comes before. */
  sshPort: number;
  /** Counts bytes and round trips; loopback has none, for a proxy there would be what is measured. */
  between: TcpProxy | undefined;
  knownHosts: string;
  /** What runners keep between jobs. */
  toolCache: string;
}

/** Sets a place up behind a link. Needs root, for sshd. */
export async function placeBehind(link: string): Promise<Place> {
  // An empty home: what this machine's root has in its .bashrc is not to be measured.
  const server = await sshd({ config: 'SetEnv HOME=/nonexistent' });
  const options = LINKS[link];
  const between = options && (await proxy(server.port, options));
  const folder = mkdtempSync('/var/tmp/deploy-bench-');
  const direct = server.knownHosts;
  const knownHosts = between ? `${direct}\n${direct.replaceAll(`:${server.port} `, `:${between.port} `)}` : direct;
  writeFileSync(`${folder}/known_hosts`, `${knownHosts}\n`);
  mkdirSync(`${folder}/bin`);
  return {
    link,
    folder,
    port: await freePort(),
    server,
    sshPort: between?.port ?? server.port,
    between,
    knownHosts,
    toolCache: `${folder}/tool-cache`,
    [Symbol.asyncDispose]: async () => {
      await between?.[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function privateKey({ server }: Place): string {
  return readFileSync(server.keyFile, 'utf8');
}

import { createConnection, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProxyOptions {
  /** Added to each direction: half the round trip. */
  delayMs?: number;
  /** Per direction. */
  bytesPerSecond?: number;
}

/** A TCP proxy in front of a port of loopback that misbehaves on cue. */
export interface Proxy extends AsyncDisposable {
  port: number;
  connections: number;
  /** Bytes towards the server, of each connection so far. */
  bytesUpOf: number[];
  /** Bytes towards the server, and back. */
  bytesUp: number;
  bytesDown: number;
  /** How often the client spoke after the server had: its round trips. */
  turns: number;
  /** Nothing passes any more, in both directions, and nobody is told. */
  stall(): void;
  /** Every connection is reset. */
  reset(): void;
  /** Resets every connection when exactly so many bytes went up. */
  resetAfter(bytesUp: number): void;
  /** The same when so many bytes of one connection to come (0 is the next) went up. */
  resetIn(connection: number, bytesUp: number): void;
  /** New connections pass again. */
  heal(): void;
}

/** Starts a proxy to 127.0.0.1:`target`. */
export async function proxy(target: number, { delayMs = 0, bytesPerSecond = 0 }: ProxyOptions = {}): Promise<Proxy> {
  const open = new Set<Socket>();
  let stalled = false;
  let limit = Number.POSITIVE_INFINITY;
  let cut: { connection: number; bytesUp: number } | undefined;
  const self = { connections: 0, bytesUpOf: [] as number[], bytesUp: 0, bytesDown: 0, turns: 0 };
  let serverSpoke = true;
  const reset = () => {
    for (const socket of open) socket.resetAndDestroy();
  };
  const server = createServer((client) => {
    const number = self.bytesUpOf.push(0) - 1;
    self.connections += 1;
    const upstream = createConnection(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      open.add(socket.setNoDelay(true));
      socket.on('error', () => undefined).on('close', () => open.delete(socket));
    }
    const born = { stalled: () => stalled };
    pump(client, upstream, (block) => {
      const mine = self.bytesUpOf[number] as number;
      const left = Math.min(limit - self.bytesUp, cut?.connection === number ? cut.bytesUp - mine : limit);
      const passing = block.subarray(0, left);
      upstream.write(passing);
      self.bytesUp += passing.length;
      self.bytesUpOf[number] = mine + passing.length;
      if (serverSpoke) self.turns += 1;
      serverSpoke = false;
      if (passing.length < left) return;
      limit = Number.POSITIVE_INFINITY;
      cut = undefined;
      reset();
    });
    pump(upstream, client, (block) => {
      client.write(block);
      self.bytesDown += block.length;
      serverSpoke = true;
    });
    function pump(from: Socket, to: Socket, pass: (block: Buffer) => void): void {
      let freeAt = 0;
      let queue = Promise.resolve();
      from.on('data', (block: Buffer) => {
        if (born.stalled()) return void from.pause();
        const now = performance.now();
        freeAt = Math.max(freeAt, now) + (bytesPerSecond > 0 ? (block.length / bytesPerSecond) * 1000 : 0);
        const due = freeAt + delayMs;
        if (freeAt - now > 20) {
          from.pause();
          setTimeout(() => from.resume(), freeAt - now);
        }
        if (due - now <= 0) {
          pass(block);
          return;
        }
        queue = queue.then(async () => {
          await sleep(Math.max(0, due - performance.now()));
          if (!born.stalled() && !to.destroyed) pass(block);
        });
      });
      from.on(
        'end',
        () =>
          void queue.then(async () => {
            await sleep(delayMs);
            to.end();
          }),
      );
      from.on('close', () => void queue.then(() => to.destroy()));
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return Object.assign(self, {
    port: (server.address() as { port: number }).port,
    stall: () => {
      stalled = true;
    },
    reset,
    resetAfter: (bytesUp: number) => {
      limit = self.bytesUp + bytesUp;
    },
    resetIn: (connection: number, bytesUp: number) => {
      cut = { connection: self.connections + connection, bytesUp };
    },
    heal: () => {
      stalled = false;
      limit = Number.POSITIVE_INFINITY;
      cut = undefined;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  });
}

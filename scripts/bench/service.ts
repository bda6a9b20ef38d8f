import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from './command.ts';
import type { Place } from './place.ts';

/** The name of the service, by which people stop it by hand. */
export const NAME = 'fdt-bench-svc';

/** How people start a service by hand, in its folder. */
export function startWords({ folder, port }: Place): string {
  return `cd ${folder}/bin && (setsid ./${NAME} --port ${port} </dev/null >/dev/null 2>&1 &)`;
}

/** How they stop it, and see that it is gone. */
export const STOP_WORDS = `pkill -x ${NAME}; while pgrep -x ${NAME} >/dev/null; do sleep 0.01; done`;

/** Puts `file` in place, started by hand; nothing of a deploy before is left. */
export async function startFresh(place: Place, file: string): Promise<void> {
  rmSync(`${place.folder}/bin`, { recursive: true, force: true });
  mkdirSync(`${place.folder}/bin`);
  copyFileSync(file, `${place.folder}/bin/${NAME}`);
  await run({ words: ['sync', `${place.folder}/bin/${NAME}`] });
  await run({ words: ['/bin/sh', '-c', startWords(place)] });
  while (!(await answers(place.port))) await sleep(20);
}

/** Ends the service. */
export async function stopServing({ port }: Place): Promise<void> {
  await run({ words: ['/bin/sh', '-c', `pkill -KILL -x ${NAME} || :`] });
  while (await answers(port)) await sleep(20);
}

/** Asks the service every 2 ms; the function returned tells for how many seconds at most nobody answered. */
export function watchDowntime(port: number): () => Promise<number> {
  let stopped = false;
  let [down, lastAnswer] = [0, performance.now()];
  const loop = (async () => {
    while (!stopped) {
      if (await answers(port)) {
        const now = performance.now();
        down = Math.max(down, now - lastAnswer);
        lastAnswer = now;
      }
      await sleep(2);
    }
  })();
  return async () => {
    stopped = true;
    await loop;
    return down / 1000;
  };
}

/** Reset, not closed: thousands of sockets in TIME_WAIT would slow down whoever looks for the one that listens. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    get({ port, host: '127.0.0.1', agent: false }, (answer) => {
      answer.socket.resetAndDestroy();
      resolve(true);
    }).on('error', () => resolve(false));
  });
}

import { type Command, median, type Ran, run } from './command.ts';
import type { Place } from './place.ts';
import { watchDowntime } from './service.ts';

/** What one way took, seen from outside. */
export interface Measured extends Ran {
  way: string;
  /** As a client sees it that asks every 2 ms; 0 where nothing was stopped. */
  downSeconds: number;
  /** Towards the target, SSH's own included; 0 on loopback. */
  bytes: number;
  /** How often the runner spoke after the target had. */
  turns: number;
}

/** Runs a command towards a place; with `watched`, the service there is asked all the while. */
export async function measure(way: string, command: Command, place: Place, watched = false): Promise<Measured> {
  const { between } = place;
  const [bytes, turns] = [between?.bytesUp ?? 0, between?.turns ?? 0];
  const watch = watched ? watchDowntime(place.port) : undefined;
  const ran = await run(command);
  // It takes a quarter of an hour in all.
  console.error(`${place.link}: ${way}, ${ran.seconds.toFixed(2)} s`);
  return {
    ...ran,
    way,
    downSeconds: (await watch?.()) ?? 0,
    bytes: (between?.bytesUp ?? 0) - bytes,
    turns: (between?.turns ?? 0) - turns,
  };
}

/** Of each way the middle of its rounds, figure by figure. */
export function middles(measured: readonly Measured[]): Measured[] {
  return [...new Set(measured.map(({ way }) => way))].map((way) => {
    const all = measured.filter((one) => one.way === way);
    const middle = (of: (one: Measured) => number) => median(all.map(of));
    return {
      way,
      seconds: middle((one) => one.seconds),
      cpuSeconds: middle((one) => one.cpuSeconds),
      peakMegabytes: middle((one) => one.peakMegabytes),
      downSeconds: middle((one) => one.downSeconds),
      bytes: middle((one) => one.bytes),
      turns: middle((one) => one.turns),
    };
  });
}

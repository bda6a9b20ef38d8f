import { resolve } from 'node:path';
import { median, quoteAll, run } from './command.ts';
import { measure } from './measured.ts';
import { LINKS, placeBehind } from './place.ts';
import { paddedPair } from './programs.ts';
import { NAME, startFresh, stopServing } from './service.ts';
import { type Row, seconds, times } from './table.ts';
import { actionCommand, ssh } from './ways.ts';

const ROUNDS = 5;

/** verify-deploy of 100 MB, against single ssh commands by hand, and against what can't be less: a login and a sha256sum. */
export async function benchVerifies(): Promise<{ rows: Row[] }> {
  const rows: Row[] = [];
  for (const link of Object.keys(LINKS).filter((name) => !name.startsWith('20'))) {
    await using place = await placeBehind(link);
    const { one } = paddedPair('100 MB', 100e6);
    await startFresh(place, one);
    const path = `${place.folder}/bin/${NAME}`;
    const url = `http://127.0.0.1:${place.port}/`;
    const action = actionCommand(place, 'verify-deploy', {
      path,
      source: resolve(one),
      strings: 'listens on',
      'listen-port': String(place.port),
      'health-url': url,
    });
    const single = [`stat ${path}`, `grep -aq 'listens on' ${path}`, `pgrep -x ${NAME}`, `curl -sf ${url}`];
    const byHand = [...single, `sha256sum ${path}`].map((command) => quoteAll(ssh(place, command))).join(' && ');
    const [ours, hand, least]: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      ours.push((await measure('verify-deploy', action, place)).seconds);
      hand.push((await run({ words: ['/bin/sh', '-c', byHand] })).seconds);
      const login = await run({ words: ssh(place, 'true') });
      least.push(login.seconds + (await run({ words: ['sha256sum', path] })).seconds);
    }
    await stopServing(place);
    rows.push({
      link,
      'five ssh commands': seconds(median(hand)),
      'verify-deploy': seconds(median(ours)),
      '× by hand': times(median(ours), median(hand)),
      '× (ssh true + sha256sum)': times(median(ours), median(least)),
    });
  }
  return { rows };
}

import { afterAll, beforeAll, expect, test } from 'vitest';
import { draws } from '../../support/draws.ts';
import { BY_ANOTHER_ACCOUNT, choose, IN_THE_FOLDER, type Place, undoing } from '../../support/hostile-account.ts';
import { program } from '../../support/programs.ts';
import { answers, FILE, PORT, service, type UnitHost, unitHost } from '../../support/units.ts';

/** Every phase, staged and in-place: HOSTILE_DEPLOYS=14 npm test -- e2e units/hostile */
const DEPLOYS = Number(process.env.HOSTILE_DEPLOYS ?? 7);
const PHASES = ['connect', 'staged', 'stop', 'swap', 'start', 'stable', 'accept'];
const UNIT = 'app.service';
const CANARY = '/opt/canary';
const SHORTEST_MS = 50;
const LONGEST_MS = 800;

let host: UnitHost;
let place: Place;
beforeAll(async () => {
  host = await unitHost();
  place = await prepare();
});
afterAll(() => host[Symbol.asyncDispose]());

test(
  `two hostile accounts gain nothing from root where a unit runs the program, in ${DEPLOYS} deploys`,
  async () => {
    const draw = draws(77, 1);
    const before = await canary();
    await host.world({ [UNIT]: service('Restart=on-failure') }, program('v1'));
    await host.systemctl(`start ${UNIT}`);
    await answers(host);
    for (let number = 0; number < DEPLOYS; number += 1) {
      const phase = PHASES[number % PHASES.length] ?? 'stop';
      const strategy = number % 2 === 0 ? 'staged' : 'in-place';
      const version = `n${number}`;
      const source = program(version, draw() < 0.7 ? 'healthy' : 'exits after 900 ms');
      const step = await host.begin(source, {
        strategy,
        owner: 'app:app',
        mode: '0755',
        environment: 'APP_TOKEN=s3cret-x',
      });
      let isProved = false;
      for (const last of ['accept  ', 'rollback-stable'])
        step
          .saw(last)
          .then(() => (isProved = true))
          .catch(() => undefined);
      await Promise.race([step.saw(phase).catch(() => undefined), step.ended]);
      await attack(SHORTEST_MS + draw() * (LONGEST_MS - SHORTEST_MS), draw);
      const isKnown = !isProved;
      const { outputs, log } = await step.ended;
      const where = `deploy ${number}, struck at ${phase}, ${strategy}:\n${log}`;
      expect(await canary(), where).toBe(before);
      expect(log.replace(/^::add-mask::.*$/gm, ''), where).not.toContain('s3cret-x');
      if (isKnown && outputs.state === 'active') expect(await host.version(), where).toBe(version);
    }
    const last = await host.deploy(program('last'), { owner: 'app:app', mode: '0755' });
    expect(last.outputs.state, last.log).toBe('active');
    expect(await host.version()).toBe('last');
    expect(await host.states(UNIT)).toEqual({ [UNIT]: 'active' });
    expect(await canary()).toBe(before);
  },
  60_000 + DEPLOYS * 30_000,
);

/** Root's things that the accounts are after, and a process of root's that notes whatever root executes of theirs. */
async function prepare(): Promise<Place> {
  const { system } = host;
  await system.push(program('payload'), '/opt/payload');
  const daemon = await system.sh(`useradd -m mallory; mkdir -p ${CANARY} && chmod 755 /opt/payload
    (umask 077; echo 'root alone knows this' >${CANARY}/secret; mkfifo ${CANARY}/door)
    cp /bin/sleep ${CANARY}/daemon; setsid ${CANARY}/daemon 100000 </dev/null >/dev/null 2>&1 & echo $!`);
  const look = `while :; do for at in /proc/[0-9]*; do case $(readlink $at/exe) in /opt/app/*) [ "$(stat -c %u $at)" != 0 ] || readlink $at/exe >>/run/violations ;; esac; done; done`;
  await system.sh(`setsid /bin/sh -c '${look}' </dev/null >/dev/null 2>&1 &`);
  const folder = FILE.replace(/\/[^/]+$/, '');
  const root = folder.replace(/\/[^/]+$/, '');
  return { folder, root, name: 'server', canary: CANARY, daemon: Number(daemon), payload: '/opt/payload', port: PORT };
}

/** Both accounts at once; what they left half moved is put right afterwards, and their processes end. */
async function attack(milliseconds: number, draw: () => number): Promise<void> {
  const loop = (account: string, folder: string, acts: string[]) => {
    const text = Buffer.from(`cd ${folder}; while :; do ${acts.join('\n')}\ndone 2>/dev/null`).toString('base64');
    const as = `setpriv --reuid=${account} --regid=${account} --clear-groups`;
    return host.system.tried(
      `timeout -s KILL ${milliseconds / 1000} ${as} bash -c "$(echo ${text} | base64 -d)" </dev/null >/dev/null 2>&1`,
    );
  };
  const chosen = (acts: typeof IN_THE_FOLDER) => choose(acts, draw).map((act) => act(place));
  await Promise.all([
    loop('app', place.folder, chosen(IN_THE_FOLDER)),
    loop('mallory', '/tmp', chosen(BY_ANOTHER_ACCOUNT)),
  ]);
  await host.system.tried(
    `pkill -KILL -u mallory; pkill -KILL -u app -x bash; pkill -KILL -u app -f -- '--port ${PORT + 1}'; ${undoing(place)}`,
  );
}

/** What must not change, and what root did for them. */
function canary(): Promise<string> {
  return host.system.sh(
    `cd ${CANARY}; stat -c '%n %u:%g %a %s' . *; sha256sum secret daemon; readlink /proc/${place.daemon}/exe; cat /run/violations 2>/dev/null || :`,
  );
}

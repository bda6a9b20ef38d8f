import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { program, sha256 } from '../../support/programs.ts';
import { answers, FILE, PORT, service, type UnitHost, unitHost } from '../../support/units.ts';

let host: UnitHost;
beforeAll(async () => {
  host = await unitHost();
});
afterAll(() => host[Symbol.asyncDispose]());

const V1 = program('v1', 'ignores TERM');
const V2 = program('v2', 'starts slowly');
const BOOT = { install: 'WantedBy=multi-user.target' };
const SLEEP = '[Service]\nExecStart=/bin/sleep 100000\n';

const WORLDS: [string, Record<string, string>, string[]][] = [
  [
    'a simple unit with a dependent',
    {
      'app.service': service('Restart=always', BOOT),
      'needs.service': `[Unit]\nRequires=app.service\n${SLEEP}[Install]\nWantedBy=multi-user.target\n`,
    },
    ['app.service', 'needs.service'],
  ],
  [
    'two instances of a template',
    {
      'app@.service': `[Service]\nUser=app\nExecStart=${FILE} --port 2531%i\n[Install]\nWantedBy=multi-user.target\n`,
    },
    ['app@0.service', 'app@2.service'],
  ],
  ['a notify unit', { 'app.service': service('Type=notify\nRestart=always', BOOT) }, ['app.service']],
  [
    'a socket and its service',
    {
      'app.socket': `[Socket]\nListenStream=127.0.0.1:${PORT}\n[Install]\nWantedBy=sockets.target\n`,
      'app.service': service('', BOOT),
    },
    ['app.socket', 'app.service'],
  ],
];

describe.each(WORLDS)("the target's plug is pulled in the deploy of %s", (title, units, active) => {
  test.each([
    ['start', 'start           '],
    ['stable', 'stable          '],
    ...(title.startsWith('a simple unit') ? [['stop', 'stop            ']] : []),
  ] as [string, string][])(
    'in the phase %s: all is up after the boot, and the next run finishes what it finds',
    async (_, phase) => {
      await host.world(units, V1);
      await host.systemctl(`enable -q --now ${active.join(' ')}`);
      await answers(host);
      const cut = await host.begin(V2, { 'connect-timeout-seconds': 2, 'keepalive-seconds': 1, 'stable-seconds': 2 });
      await cut.saw(phase);
      await host.system.stopHard();
      await host.system.start();
      // A step that does not end is shown with its log.
      const late = setTimeout(() => host.production.ci.tried('pkill -KILL -f dist/[d]eploy-binary.cjs'), 100_000);
      const step = await cut.ended;
      clearTimeout(late);
      expect(step.code, step.log).toBe(1);
      const file = (await host.system.sh(`sha256sum <${FILE}`)).slice(0, 64);
      expect([sha256(V1), sha256(V2)]).toContain(file);
      await answers(host);

      const next = await host.begin(program('v3'), {}, { GITHUB_RUN_NUMBER: '8' });
      const ended = await next.ended;
      expect(ended.outputs.state, ended.log).toBe('active');
      expect(await host.version()).toBe('v3');
      expect(await host.states(...active)).toEqual(Object.fromEntries(active.map((unit) => [unit, 'active'])));
      expect(
        await host.system.sh(`for pid in $(pgrep -x server); do [ /proc/$pid/exe -ef ${FILE} ] || echo stale; done`),
      ).toBe('');
    },
  );
});

describe('the runner and the transaction are killed in the middle', () => {
  test.each([
    ['a simple unit', { 'app.service': service('Restart=always') }, ['app.service'], 'stop            '],
    ['a notify unit', { 'app.service': service('Type=notify\nRestart=always') }, ['app.service'], 'start           '],
    [
      'a socket and its service',
      { 'app.socket': `[Socket]\nListenStream=127.0.0.1:${PORT}\n`, 'app.service': service() },
      ['app.socket', 'app.service'],
      'swap            ',
    ],
    [
      'a forking unit and a dependent',
      {
        'app.service': `[Service]\nType=forking\nUser=app\nExecStart=/bin/sh -c '${FILE} --port ${PORT} >/dev/null 2>&1 &'\n`,
        'needs.service': `[Unit]\nRequires=app.service\n${SLEEP}`,
      },
      ['app.service', 'needs.service'],
      'stable          ',
    ],
  ] as [string, Record<string, string>, string[], string][])(
    '%s: verify-deploy says so, and the next run finishes what it finds',
    async (_, units, active, phase) => {
      await host.world(units, V1);
      await host.systemctl(`start ${active.join(' ')}`);
      await answers(host);
      const cut = await host.begin(V2, { 'stable-seconds': 3 });
      await cut.saw(phase);
      await Promise.all([
        host.production.ci.sh('pkill -KILL -f dist/[d]eploy-binary.cjs'),
        // The transaction leads a session of its own.
        host.system.sh('pkill -KILL -s "$(cut -d " " -f 2 </opt/app/.server.deploy/handed)"'),
      ]);
      expect((await cut.ended).code).toBeNull();
      const verdict = await host.verify({ running: 'any' });
      expect(verdict.outputs, verdict.log).toMatchObject({ verified: 'false', failed: 'deploy' });

      const next = await (await host.begin(program('v3'), {}, { GITHUB_RUN_NUMBER: '8' })).ended;
      expect(next.outputs.state, next.log).toBe('active');
      expect(next.log).toMatch(/was interrupted (in the phase|during)/);
      expect(await host.version()).toBe('v3');
      expect(await host.states(...active)).toEqual(Object.fromEntries(active.map((unit) => [unit, 'active'])));
      expect(await host.system.sh('pgrep -xc server')).toBe('1\n');
    },
  );
});

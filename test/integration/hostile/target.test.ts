import { createHash } from 'node:crypto';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { ServerChannel } from 'ssh2';
import { describe, expect, it } from 'vitest';
import { start } from '../../support/action.ts';
import {
  type Asked,
  answerText,
  flood,
  type HostileServer,
  type Hostility,
  hostileServer,
  KEY,
  noSshServer,
  say,
} from '../../support/hostile-server.ts';
import { forged, logText, PLATFORM_ENV, PLATFORMS, type PlatformName } from '../../support/platforms.ts';

type Said = [key: string, value: string][];

const ACTIONS = ['deploy-binary', 'verify-deploy'] as const;
type Action = (typeof ACTIONS)[number];

/** Above what the step of an honest target takes; the bound is on what a hostile one makes it take. */
const MOST_MEGABYTES = 300;
const MOST_SECONDS = 30;
const GIB = 2 ** 30;

/** What somebody would have the runner or a terminal carry out. */
const EVIL = [
  'x\n::set-env name=PATH::/tmp/evil',
  '  ::add-path::/tmp/evil',
  '::add-mask::true\r::error::forged',
  '##[set-env name=NODE_OPTIONS;]--require=/tmp/evil.js',
  '\u001b[2J\u001b]0;evil\u0007\u200b::stop-commands::x\u202e | <img src=x> @ada \u0000 end',
].join('\n');

const DIGEST = createHash('sha256').update('old').digest('hex');
const EPOCH = '1764000000';

/** What an honest target would answer, where the step goes on. */
const HONEST: Record<Asked, Said> = {
  inspect: [
    ...Object.entries({
      user: 'root',
      login: 'root',
      uid: '0',
      wanted_owner: '',
      wanted_run_as: '',
      machine: 'x86_64',
    }),
    ...['/proc', 'zstd', 'gzip', 'perl', 'flock', 'setsid', 'sha256sum', 'stat', 'timeout'].map(
      (tool) => ['tool', tool] as const,
    ),
    ...Object.entries({
      interpreter: 'yes',
      unseen: '',
      accounts: '0 1001',
      run_uid: '1001',
      last_run_as: '',
      last_run_uid: '',
      contained: '',
      process: 'pid=41 uid=1001 worker=no live=yes same=yes supervisor= supervisor_pid= user=svc',
      folder: '/opt/app',
      folder_owner: 'root',
      folder_mode: '755',
      folder_writable: 'yes',
      free_kb: '9000000',
      mount: '/',
      mount_options: 'rw',
      file_owner: 'svc:svc',
      file_ids: '1001:1001',
      file_mode: '755',
      login_ids: '0:0',
      file_bytes: '3',
      file_sha256: DIGEST,
      file_capabilities: '',
      seen: '1 2 3 4 5',
      live_workflow: 'team/service deploy',
      live_run_number: '3',
      live_run: 'https://forge.example/team/service/actions/runs/3',
      release: DIGEST,
      ended: `0a-1b active 41 run`,
      history: 'long ago',
    }),
  ] as Said,
  deploy: [
    ['staged', DIGEST],
    ['phase', 'stop 1'],
    ['note', 'pid 41 is stopped'],
    ['failed', 'health'],
    ['why', 'no answer'],
    ['output', 'one\ntwo'],
    ['broken', 'it does not start'],
    ['state', 'rolled-back'],
    ['pid', '42'],
    ['downtime_ms', '120'],
  ],
  follow: [['never', 'yes']],
  verify: [
    ['user', 'root'],
    ['now', `5000 ${EPOCH}.25`],
    ['file', `0:0 755 3 ${EPOCH} 2026-01-01 00:00:00.5 +0000 svc:svc`],
    ['capabilities', ''],
    ['sha256', DIGEST],
    ['unseen', ''],
    ['process', `pid=41 user=svc uid=0 started=4000 worker=no live=yes sha256=${DIGEST}`],
    ['service', 'load=loaded active=active sub=running main=41 restarts=0 result=success'],
    ['port', 'ours'],
    ['health', 'ok 200'],
    ['log', 'from yes 12'],
    ['history', 'long ago'],
  ],
};

/** Answers as an honest target, but for the program that both actions begin with. */
function first(answer: (channel: ServerChannel) => void): Hostility['answer'] {
  return (asked, channel) => {
    if (asked === 'inspect' || asked === 'verify') answer(channel);
    else say(channel, answerText(HONEST[asked]));
  };
}

/** Every answer an honest one, but for its values. */
function changed(change: (key: string, value: string, asked: Asked) => string): Hostility['answer'] {
  return (asked, channel) =>
    say(channel, answerText(HONEST[asked].map(([key, value]) => [key, change(key, value, asked)])));
}

function replaced(values: Record<string, string>): Hostility['answer'] {
  return changed((key, value) => values[key] ?? value);
}

/** Only the answer of the deploy itself is a lie. */
function deploys(text: string): Hostility['answer'] {
  return (asked, channel) => say(channel, asked === 'deploy' ? text : answerText(HONEST[asked]));
}

interface Scenario {
  what: string;
  server: Hostility;
  actions?: readonly Action[];
  platforms?: readonly PlatformName[];
  /** In the place of the usual ones. */
  inputs?: (port: number) => Record<string, string>;
  /** Part of the failure's text. */
  says: RegExp;
}

const CHECKED =
  /^(uid|file_bytes|file_sha256|free_kb|interpreter|folder_writable|live_run_number|release|process|accounts|run_uid|ended|file|now|sha256|unseen|pid|downtime_ms|phase|state|staged|service)$/;

const SAYING: Scenario[] = [
  {
    what: 'every text is one with line ends, commands and escapes',
    server: { answer: changed((key, value) => (CHECKED.test(key) ? value : EVIL)) },
    says: /failed\./,
  },
  {
    what: 'every value is one with line ends, commands and escapes',
    server: { answer: changed(() => EVIL) },
    says: /the target answered something that is not/,
  },
  {
    what: 'commands on both streams, before, within and after the answer',
    server: {
      answer: (asked, channel) => {
        channel.stderr.write(EVIL);
        channel.write(`${EVIL}\n`);
        const [begin, ...rest] = answerText(HONEST[asked]).split('\n');
        say(channel, `${[begin, EVIL, ...rest].join('\n')}\n${EVIL}\n`);
      },
    },
    says: /failed\./,
  },
  {
    what: 'nothing but commands on both streams',
    server: {
      answer: first((channel) => {
        channel.stderr.write(EVIL);
        say(channel, EVIL, 1);
      }),
    },
    says: /the answer was cut short/,
  },
  {
    what: 'a banner, and words with which it hangs up after the login',
    server: {
      answer: () => undefined,
      banner: EVIL,
      greeting: EVIL.split('\n')[3] ?? '',
      disconnects: { when: 'login', saying: EVIL },
    },
    says: /failed\./,
  },
  {
    what: 'words with which it hangs up when a program is to be run',
    server: { answer: () => undefined, disconnects: { when: 'program', saying: EVIL } },
    says: /failed\./,
  },
  {
    what: 'words in the place of a session',
    server: { answer: () => undefined, refuses: EVIL },
    says: /Channel open failure/,
  },
  {
    what: 'methods of a login that are commands',
    server: { answer: () => undefined, methods: ['password', ...EVIL.split('\n'), EVIL] },
    says: /failed\./,
  },
  {
    what: 'words in the place of the way to the next host',
    server: { answer: () => undefined, refuses: EVIL },
    inputs: (port) => ({ host: 'root@127.0.0.1:1', 'proxy-jump': `root@127.0.0.1:${port}` }),
    says: /the jump host root@127\.0\.0\.1:\d+ can't reach it/,
  },
  {
    what: 'words about a container',
    server: {
      answer: (_, channel) =>
        say(
          channel,
          answerText([
            ['container_error', EVIL],
            ['container_remedy', EVIL],
          ]),
        ),
    },
    inputs: () => ({ container: 'docker:app' }),
    says: /(Entering the container|connection: x)/,
  },
  {
    what: 'words in the place of a container',
    server: {
      answer: (_, channel) => {
        channel.stderr.write(EVIL);
        say(channel, EVIL, 1);
      },
    },
    inputs: () => ({ container: 'docker:app' }),
    says: /could not enter the container/,
  },
  {
    what: 'hostile texts under two names',
    server: { answer: changed((key, value) => (CHECKED.test(key) ? value : EVIL)) },
    inputs: (port) => ({ host: `root@127.0.0.1:${port}\nssh://root@127.0.0.1:${port}`, 'max-parallel': '2' }),
    says: /failed\./,
  },
  {
    what: 'an end of the deploy in commands',
    actions: ['deploy-binary'],
    server: {
      answer: deploys(
        answerText([
          ['staged', DIGEST],
          ...Array.from({ length: 3000 }, (): [string, string] => ['note', EVIL]),
          ['phase', '__proto__ 1'.replace('__proto__', 'constructor')],
          ['failed', 'constructor'],
          ['why', EVIL],
          ['output', EVIL],
          ['broken', EVIL],
          ['state', 'broken'],
        ]),
      ),
    },
    says: /state: {2}broken\./,
  },
  {
    what: 'an interrupted deploy of a hostile name, for ever',
    actions: ['deploy-binary'],
    server: {
      answer: (asked, channel) =>
        say(
          channel,
          answerText(
            asked === 'inspect' ? [...HONEST.inspect, ['unfinished', EVIL], ['unfinished_run', EVIL]] : HONEST[asked],
          ),
        ),
    },
    says: /rolled-back/,
  },
];

const PATHS = ['../../canary', '../../../canary', '../canary', '/', '..', `${'a'.repeat(64)}/../../../canary`];

const LYING: Scenario[] = [
  ...PATHS.map((path) => ({
    what: `the digest ${path}`,
    server: { answer: replaced({ file_sha256: path, sha256: path }) },
    says: /the target answered something that is not a sha256: (file_)?sha256=/,
  })),
  {
    what: 'a release that is a path',
    actions: ['deploy-binary'],
    server: { answer: replaced({ release: `../../canary ${EPOCH} svc:svc 755` }) },
    says: /the target answered something that is not a sha256/,
  },
  ...['0', '-1', '1 -1', 'self', '99999999999999999999'].map((pid) => ({
    what: `the pid ${pid}`,
    server: { answer: replaced({ process: `pid=${pid} user=svc uid=0 started=1 worker=no live=yes same=yes` }) },
    says: pid === '1 -1' ? /failed\./ : /the target answered something that is not a pid/,
  })),
  ...(
    [
      [{ uid: 'root', now: 'soon' }, /not a (whole number|time)/],
      [{ file_bytes: '-3', file: 'none' }, /not a (whole number|file)/],
      [{ free_kb: 'lots', now: `5000 ${'9'.repeat(30)}` }, /not an? (amount of free space|time)/],
      [{ run_uid: 'nobody', process: 'pid=41 started=soon' }, /not a (list of numbers|whole number)/],
      [{ live_run_number: '0x10', unseen: 'all' }, /not a (whole number|list of pids)/],
      [{ interpreter: 'EVIL', process: 'pid=41 started=1 live=perhaps' }, /not one of yes, no/],
    ] as const
  ).map(([values, says]) => ({
    what: `values of another type: ${JSON.stringify(values).slice(0, 60)}`,
    server: { answer: replaced(values) },
    says,
  })),
  ...['splendid', 'unchanged', 'unknown', 'toString', 'active\n::set-env name=A::b'].map((state) => ({
    what: `the state ${JSON.stringify(state)}`,
    actions: ['deploy-binary'] as const,
    server: { answer: deploys(answerText([['state', state]])) },
    says: /not one of active, untouched[\s\S]*state: {2}unknown\. The outcome of the deploy is not known\./,
  })),
  {
    what: 'a green end with the pid 0',
    actions: ['deploy-binary'],
    server: {
      answer: deploys(
        answerText([
          ['state', 'active'],
          ['pid', '0'],
        ]),
      ),
    },
    says: /not a pid: pid='0'/,
  },
  {
    what: 'a negative downtime',
    actions: ['deploy-binary'],
    server: {
      answer: deploys(
        answerText([
          ['state', 'active'],
          ['downtime_ms', '-7'],
        ]),
      ),
    },
    says: /not a whole number/,
  },
  {
    what: 'that another deploy came in between, for ever',
    actions: ['deploy-binary'],
    server: { answer: deploys(answerText([['gave_up', 'changed']])) },
    says: /the target changed each of the 4 times/,
  },
  {
    what: 'that the transaction was killed',
    actions: ['deploy-binary'],
    server: { answer: deploys(answerText([['died', 'yes']])) },
    says: /the transaction was killed/,
  },
  {
    what: 'values that are empty, for what they are about is gone meanwhile, which',
    server: { answer: replaced({ process: 'pid= user= started=', file: '', free_kb: '-' }) },
    says: /rolled-back|found nothing/,
  },
  {
    what: 'half a line',
    server: { answer: first((channel) => say(channel, 'begin\nuser=ro')) },
    says: /the answer was cut short/,
  },
  {
    what: 'no beginning',
    server: { answer: first((channel) => say(channel, answerText(HONEST.inspect).replace('begin\n', ''))) },
    says: /the answer was cut short/,
  },
  {
    what: 'two ends, the second with a lie',
    actions: ['deploy-binary'],
    server: { answer: deploys(`${answerText(HONEST.deploy)}${answerText([['state', 'active']])}`) },
    says: /rolled-back/,
  },
  {
    what: 'bytes that are no text, and characters cut in two',
    server: {
      answer: first((channel) => {
        const bytes = Buffer.concat([
          Buffer.from('begin\nkernel='),
          Buffer.from([0xff, 0xfe, 0, 0xc3]),
          Buffer.from('é€😀\nend\n'),
        ]);
        for (const byte of bytes) channel.write(Buffer.from([byte]));
        channel.end();
      }),
    },
    says: /failed\./,
  },
];

const FLOODING: Scenario[] = [
  ...(
    [
      ['without a line end', 'x'.repeat(65_536)],
      ['of lines', `begin\n${'key=value\n'.repeat(6000)}`],
      ['of empty lines', '\n'.repeat(65_536)],
      ['of one value', `begin\nkey=${'x'.repeat(65_536)}`],
      ['of commands', '::set-env name=PATH::/tmp/evil\n'.repeat(2000)],
    ] as const
  ).map(([what, chunk]) => ({
    what: `1 GiB ${what}`,
    server: { answer: first((channel) => flood(channel, chunk, GIB)) },
    says: /the target answered more than (4 MiB|20000 lines)/,
  })),
  {
    what: '1 GiB on standard error',
    server: { answer: first((channel) => flood(channel.stderr, 'x'.repeat(65_536), GIB)) },
    says: /the target answered more than 4 MiB/,
  },
  {
    what: '1 GiB in the place of the end of the deploy',
    actions: ['deploy-binary'],
    server: {
      answer: (asked, channel) => {
        if (asked === 'deploy') flood(channel, 'note=x\n'.repeat(1000), GIB);
        else if (asked === 'follow') flood(channel, 'x'.repeat(65_536), GIB);
        else say(channel, answerText(HONEST[asked]));
      },
    },
    says: /the target answered more than (4 MiB|20000 lines)[\s\S]*state: {2}(unknown|untouched)\./,
  },
];

describe.each(PLATFORMS)('on %s, a hostile target', (platform) => {
  describe.each(ACTIONS)('of %s that answers with', (action) => {
    it.concurrent.each(SAYING.filter(({ actions = ACTIONS }) => actions.includes(action)))(
      '$what gets no line of its own into the log',
      (scenario) => isHarmless(scenario, action, platform),
    );
  });
});

describe.each(ACTIONS)('a hostile target of %s that answers with', (action) => {
  const scenarios = [...LYING, ...FLOODING].filter(({ actions = ACTIONS }) => actions.includes(action));
  it.concurrent.each(
    scenarios.map((scenario, index) => ({ ...scenario, platform: PLATFORMS[index % 3] ?? 'forgejo' })),
  )('$what makes it red and nothing else, on $platform', ({ platform, ...scenario }) =>
    isHarmless(scenario, action, platform),
  );

  it.concurrent.each([
    ['for ever without a line end', 'x'.repeat(65_536), true],
    ['for ever in lines', '::set-env name=PATH::/tmp/evil\r\n'.repeat(2000), true],
    ['a command and hangs up', 'SSH-2.0-x\u001b[31m\n::set-env name=PATH::/tmp\r\n', false],
  ] as const)('no SSH but %s ends in time', async (_, chunk, forever) => {
    await using server = await noSshServer(chunk, { forever });
    await check(server, { action, platform: 'gitea', says: /failed\./ });
  });
});

async function isHarmless({ server, inputs, says }: Scenario, action: Action, platform: PlatformName) {
  await using hostile = await hostileServer(server);
  await check(hostile, { action, platform, says, inputs: inputs?.(hostile.port) ?? {} });
}

interface Expected {
  action: Action;
  platform: PlatformName;
  says: RegExp;
  inputs?: Record<string, string>;
}

async function check(server: HostileServer, { action, platform, says, inputs }: Expected): Promise<void> {
  using runner = runnerWithCanaries();
  const before = filesOf(runner.root);
  const startedAt = Date.now();
  const { ended, process: child } = start(action, {
    inputs: { ...inputsOf(action, server, runner), ...onlyOf(action, inputs) },
    env: { ...PLATFORM_ENV[platform], HOME: runner.home, RUNNER_TOOL_CACHE: runner.cache, RUNNER_TEMP: runner.temp },
    cwd: runner.workspace,
  });
  const peak = peakMegabytesOf(child.pid ?? 0);
  const step = await ended;
  const what = `${step.log.slice(-3000)}\n(asked: ${server.asked.join(', ')})`;
  expect(step.code, what).toBe(1);
  expect(logText(step, platform), what).toMatch(says);
  expect(
    forged(step, platform, (value) => KEY.private.includes(value)),
    what,
  ).toEqual([]);
  expect(step.log.match(CONTROL) ?? []).toEqual([]);
  expect(Object.values(step.outputs).join('\n').match(CONTROL) ?? []).toEqual([]);
  expect(step.summary.match(CONTROL) ?? []).toEqual([]);
  expect(step.summary).not.toMatch(/<(?!\/?code>)|@ada/);
  if (action === 'deploy-binary') {
    expect(step.outputs.state).toMatch(/^(untouched|unknown|staged|rolled-back|broken)$/);
    expect(step.outputs['previous-sha256'] ?? '').toMatch(/^([0-9a-f]{64})?$/);
  } else {
    expect(step.outputs.verified).toBe('false');
    expect(step.outputs.sha256 ?? '').toMatch(/^([0-9a-f]{64})?$/);
  }
  expect(peak.stop()).toBeLessThan(MOST_MEGABYTES);
  expect((Date.now() - startedAt) / 1000).toBeLessThan(MOST_SECONDS);
  const kept = (path: string) => path.startsWith('cache/forgejo-deploy-toolkit');
  expect(filesOf(runner.root).filter(([path]) => !kept(path))).toEqual(before.filter(([path]) => !kept(path)));
}

const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}](?<![\n\t])/gu;

/** verify-deploy has no `max-parallel`. */
function onlyOf(action: Action, { 'max-parallel': parallel, ...inputs }: Record<string, string> = {}) {
  return action === 'deploy-binary' && parallel ? { ...inputs, 'max-parallel': parallel } : inputs;
}

function inputsOf(action: Action, { port, knownHosts }: HostileServer, { source }: { source: string }) {
  const connection = {
    host: `root@127.0.0.1:${port}`,
    'ssh-key': KEY.private,
    'known-hosts': knownHosts,
    'connect-timeout-seconds': 5,
    'keepalive-seconds': 2,
    source,
  };
  const usual = { 'health-url': 'http://localhost:80/health', 'log-file': '/var/log/app.log' };
  return action === 'deploy-binary'
    ? { ...connection, ...usual, destination: '/opt/app/server', transfer: 'delta' }
    : {
        ...connection,
        ...usual,
        path: '/opt/app/server',
        strings: 'x',
        owner: 'svc',
        capabilities: 'cap_net_raw=ep',
        service: 'app',
        'run-as': 'svc',
        'listen-port': 80,
        'modified-after': '2020-01-01',
        'started-after': '2020-01-01',
        'log-absent-strings': 'x',
      };
}

function runnerWithCanaries() {
  const root = mkdtempSync('/tmp/fdt-hostile-');
  const folders = ['cache', 'cache/canary', 'canary', 'home', 'workspace', 'temp'];
  for (const folder of folders) {
    mkdirSync(`${root}/${folder}`);
    writeFileSync(`${root}/${folder}/file`, folder);
  }
  copyFileSync('/bin/true', `${root}/workspace/server`);
  return {
    root,
    cache: `${root}/cache`,
    home: `${root}/home`,
    temp: `${root}/temp`,
    workspace: `${root}/workspace`,
    source: `${root}/workspace/server`,
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

function filesOf(root: string): [path: string, content: string][] {
  return (readdirSync(root, { recursive: true }) as string[]).sort().map((path) => {
    const isFile = statSync(`${root}/${path}`).isFile();
    return [
      path,
      isFile
        ? createHash('sha256')
            .update(readFileSync(`${root}/${path}`))
            .digest('hex')
        : '',
    ];
  });
}

/** Of the step's process, by the kernel's own mark. */
function peakMegabytesOf(pid: number) {
  let peak = 0;
  const look = () => {
    try {
      peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024 || peak;
    } catch {
      // It has ended.
    }
  };
  const timer = setInterval(look, 20);
  return {
    stop: () => {
      clearInterval(timer);
      return peak;
    },
  };
}

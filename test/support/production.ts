import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { heredocs, type Step, type StepOptions } from './action.ts';
import { FOLDER } from './lxd/folder.mjs';
import { lxc } from './lxd/lxc.ts';
import { type Container, container, containerOf, type Known } from './lxd.ts';
import type { Health } from './target.ts';

const DIST = new URL('../../dist', import.meta.url).pathname;
const STEP = new URL('./lxd/step.cjs', import.meta.url).pathname;

/** The users' two machines: `system`, where the program runs, and `alm-ci`, where the runner is. */
export interface Production extends AsyncDisposable {
  system: Container;
  ci: Container;
  /** Brings a program to the runner's workspace; gives its path there. */
  build(program: string): Promise<string>;
  /** Runs the committed bundle of an action as the runner's account, which reaches `system` by an alias alone. */
  step(action: string, inputs: StepOptions['inputs'], env?: Record<string, string>): RunningStep;
  /** The deploy of the users' workflow, with what is given in addition. */
  deploy(inputs: StepOptions['inputs'], env?: Record<string, string>): RunningStep;
}

export interface RunningStep {
  ended: Promise<Step>;
  /** Resolves when the log contains `text`; rejects when the step ends without it. */
  saw(text: string): Promise<void>;
}

/** The alias of the runner's SSH config. */
export const ALIAS = 'pragmatismo-system';

/** Launches both; `login` is the account on `system` that the alias leads to. */
export async function production(login = 'root'): Promise<Production> {
  // What a failure leaves here is removed with the LXD of the tests.
  const [system, ci] = await Promise.all([container('debian', 'system'), container('debian', 'alm-ci')]);
  await Promise.all([equipSystem(system), equipRunner(ci)]);
  await authorise(ci, { system, login });
  return productionOf(system, ci);
}

/**
 * The machines that this worker's last test file with shared ones left, or new ones. Whoever takes them begins anew himself; the
 * end of the scope leaves them to the next file, and the end of the run removes them.
 */
export async function sharedProduction(): Promise<Production> {
  const file = `${FOLDER}/shared-${process.env.VITEST_POOL_ID ?? 1}.json`;
  const kept = await keptMachines(file);
  const here = kept ? productionOf(kept.system, kept.ci) : await production();
  if (!kept) writeFileSync(file, JSON.stringify({ system: knownOf(here.system), ci: knownOf(here.ci) }));
  return { ...here, [Symbol.asyncDispose]: async () => undefined };
}

async function keptMachines(file: string): Promise<{ system: Container; ci: Container } | undefined> {
  if (!existsSync(file)) return undefined;
  const kept = JSON.parse(readFileSync(file, 'utf8')) as { system: Known; ci: Known };
  const running = await lxc(['list', '--format=csv', '--columns=n', 'status=running']);
  const names = running.split('\n');
  if (![kept.system, kept.ci].every(({ name }) => names.includes(name))) return undefined;
  return { system: containerOf(kept.system), ci: containerOf(kept.ci) };
}

function knownOf({ name, address, knownHosts }: Container): Known {
  return { shape: 'debian', name, address, knownHosts };
}

function productionOf(system: Container, ci: Container): Production {
  const step: Production['step'] = (action, inputs, env = {}) => runStep(ci, action, { inputs, env });
  return {
    system,
    ci,
    build: async (program) => {
      const path = `/home/runner/${program.split('/').at(-1)}`;
      await ci.push(program, path);
      return path;
    },
    step,
    deploy: (inputs, env) => step('deploy-binary', { ...USUAL, ...inputs }, env),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([system[Symbol.asyncDispose](), ci[Symbol.asyncDispose]()]);
    },
  };
}

// Without a login session, which logind might end.
const AS_GBUSER = 'setpriv --reuid=gbuser --regid=gbuser --init-groups';

const USUAL = {
  host: ALIAS,
  destination: '/opt/gbo/bin/botserver',
  owner: 'gbuser:gbuser',
  args: '--noconsole',
  'log-file': '/opt/gbo/logs/error.log',
  'health-url': 'http://localhost:5858/api/health',
  'health-timeout-seconds': 10,
  'stable-seconds': 1,
};

/** Begins anew: a program at its place, started as people there do, and no deploy before. */
export async function startByHand(system: Container, program: string): Promise<void> {
  await system.sh(`pkill -KILL -x botserver; rm -rf /opt/gbo/bin/.botserver.deploy; rm -f /opt/gbo/logs/error.log`);
  await system.push(program, '/opt/gbo/bin/botserver');
  await system.sh(`chown gbuser:gbuser /opt/gbo/bin/botserver
    cd /opt/gbo/bin && ${AS_GBUSER} sh -c 'setsid ./botserver --noconsole </dev/null >>/opt/gbo/logs/error.log 2>&1 &'`);
  await healthy(system);
}

/** Waits until the program answers; fails after 10 s. */
export async function healthy(system: Container): Promise<Health> {
  for (let tried = 0; tried < 100; tried += 1) {
    const health = await healthOf(system);
    if (health) return health;
    await sleep(100);
  }
  throw new Error(`nothing answers on ${system.name}:\n${(await system.tried('cat /opt/gbo/logs/error.log')).output}`);
}

/** What the program answers inside the container; undefined when nothing does. */
export async function healthOf(system: Container, port = 5858): Promise<Health | undefined> {
  const { code, output } = await system.tried(`curl -qsS -m 3 http://127.0.0.1:${port}/api/health 2>/dev/null`);
  return code === 0 ? (JSON.parse(output) as Health) : undefined;
}

async function equipSystem(system: Container): Promise<void> {
  await system.sh(`useradd -m -U -p '*' -s /bin/bash gbuser
    mkdir -p /opt/gbo/bin /opt/gbo/logs && chown -R gbuser:gbuser /opt/gbo`);
}

/** The runner's side: its account, the `node` of this machine, the committed bundles. */
async function equipRunner(ci: Container): Promise<void> {
  await ci.sh(`useradd -m -U -p '*' -s /bin/bash runner && mkdir -p /srv/toolkit`);
  const mount = (name: string, source: string, path: string) =>
    lxc(['config', 'device', 'add', ci.name, name, 'disk', `source=${source}`, `path=${path}`, 'readonly=true']);
  await mount('node', process.execPath, '/usr/local/bin/node');
  await mount('toolkit', DIST, '/srv/toolkit/dist');
  await ci.push(STEP, '/srv/toolkit/step.cjs');
}

async function authorise(ci: Container, { system, login }: { system: Container; login: string }): Promise<void> {
  const config = ['Host pragmatismo-system', `  HostName ${system.address}`, `  User ${login}`].join('\n');
  await ci.sh(
    `install -d -m 700 -o runner -g runner /home/runner/.ssh && cd /home/runner/.ssh
    ssh-keygen -q -t ed25519 -N '' -f id_ed25519 && cat >config && echo '${system.knownHosts}' >known_hosts
    chown runner:runner * && chmod 600 *`,
    `${config}\n`,
  );
  await system.account(login, await ci.sh('cat /home/runner/.ssh/id_ed25519.pub'));
}

function runStep(ci: Container, action: string, { inputs, env = {} }: StepOptions): RunningStep {
  const given = Object.entries(inputs).filter(([, value]) => value !== undefined);
  const request = {
    bundle: `/srv/toolkit/dist/${action}.cjs`,
    env: {
      FORGEJO_ACTIONS: 'true',
      GITHUB_SERVER_URL: 'https://forge.example',
      GITHUB_REPOSITORY: 'gb/botserver',
      GITHUB_RUN_NUMBER: '7',
      GITHUB_WORKFLOW: 'deploy',
      GITHUB_ACTOR: 'ada',
      ...Object.fromEntries(given.map(([name, value]) => [`INPUT_${name.toUpperCase()}`, String(value)])),
      ...env,
    },
  };
  const words = ['exec', ci.name, '-T', '--', 'su', '-', 'runner', '-c', 'exec node /srv/toolkit/step.cjs'];
  const child = spawn('lxc', words, { env: { ...process.env, LXD_DIR: `${FOLDER}/lxd` } });
  let log = '';
  const watchers = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text;
      for (const watcher of watchers) watcher();
    });
  }
  child.stdin.end(JSON.stringify(request));
  const ended = new Promise<Step>((resolve, reject) => {
    child.on('close', () => {
      for (const watcher of watchers) watcher();
      const at = log.lastIndexOf('\n{"code":');
      if (at < 0) return reject(new Error(`the step did not come to an end:\n${log}`));
      const { code, output, state, summary } = JSON.parse(log.slice(at));
      resolve({ code, log: log.slice(0, at), outputs: heredocs(output), state: heredocs(state), summary });
    });
  });
  ended.catch(() => undefined);
  return {
    ended,
    saw: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (log.includes(text)) resolve();
          else if (child.exitCode !== null || child.signalCode !== null)
            reject(new Error(`the step ended without '${text}':\n${log}`));
        };
        watchers.add(look);
        look();
      }),
  };
}

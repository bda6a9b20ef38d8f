import { setTimeout as sleep } from 'node:timers/promises';
import type { Step, StepOptions } from './action.ts';
import { ALIAS, type Production, type RunningStep, sharedProduction } from './production.ts';
import { program } from './programs.ts';

/** Where the program of the units is. */
export const FILE = '/opt/app/server';
export const PORT = 25310;
export const URL = `http://127.0.0.1:${PORT}/`;

/** A host with systemd whose units run FILE, and deploys of it. */
export interface UnitHost extends AsyncDisposable {
  system: Production['system'];
  /** Begins anew: no unit of an earlier test, `v1` at its place, these unit files (name to text) loaded. */
  world(units: Record<string, string>, program?: string): Promise<void>;
  /** Runs systemctl as root; gives what it prints. */
  systemctl(words: string): Promise<string>;
  /** A deploy of FILE with health at URL, and what is given in addition. */
  deploy(source: string, inputs?: StepOptions['inputs']): Promise<Step>;
  /** The same, without waiting for its end. */
  begin(source: string, inputs?: StepOptions['inputs'], env?: Record<string, string>): Promise<RunningStep>;
  verify(inputs: StepOptions['inputs']): Promise<Step>;
  /** ActiveState of each; throws while a job is pending. */
  states(...units: string[]): Promise<Record<string, string>>;
  /** The version that answers at a port. */
  version(port?: number): Promise<string | undefined>;
  production: Production;
}

const QUICK = { 'health-timeout-seconds': 8, 'stable-seconds': 1, 'stop-timeout-seconds': 2 };

export async function unitHost(): Promise<UnitHost> {
  const here = await sharedProduction();
  const { system } = here;
  const systemctl = (words: string) => system.sh(`systemctl ${words}`);
  await system.sh(
    'id app >/dev/null 2>&1 || useradd -m -U -p "*" -s /bin/bash app; mkdir -p /opt/app; chown app:app /opt/app',
  );
  const clear = () =>
    // Triggers first: they would start what is stopped after them.
    system.sh(`cd /etc/systemd/system
      for kind in timer path socket target service; do
        for unit in $(cat /opt/units 2>/dev/null); do case $unit in *.$kind) ;; *) continue ;; esac
          case $unit in *@.*) all="\${unit%%@*}@*.$kind" ;; *) all=$unit ;; esac
          timeout 1 systemctl stop "$all" || { systemctl kill -s KILL "$all"; systemctl stop "$all"; }
          systemctl unmask "$unit"
          systemctl disable "$unit"
          rm -f "$unit"
        done
      done >/dev/null 2>&1
      pkill -KILL -x server
      rm -rf /opt/app/.server.deploy /opt/app/* /opt/units /etc/init.d/app
      systemctl daemon-reload
      systemctl reset-failed`);
  const begin: UnitHost['begin'] = async (source, inputs = {}, env = {}) => {
    const built = await here.build(source);
    const usual = { host: ALIAS, destination: FILE, 'health-url': URL, ...QUICK };
    return here.step('deploy-binary', { ...usual, source: built, ...inputs }, env);
  };
  return {
    system,
    systemctl,
    production: here,
    world: async (units, file = program('v1')) => {
      await clear();
      await system.push(file, FILE);
      const texts = Object.entries(units).map(
        ([name, text]) => `cat >/etc/systemd/system/${name} <<'END'\n${text}\nEND`,
      );
      await system.sh(
        `chown app:app ${FILE}; echo ${Object.keys(units).join(' ')} >/opt/units\n${texts.join('\n')}\nsystemctl daemon-reload`,
      );
    },
    deploy: async (source, inputs) => (await begin(source, inputs)).ended,
    begin,
    verify: (inputs) => here.step('verify-deploy', { host: ALIAS, path: FILE, ...inputs }).ended,
    states: async (...units) => {
      const jobs = await systemctl('list-jobs --no-legend');
      const ours = jobs.split('\n').filter((job) => !/ (user@|user-|session-)/.test(job));
      if (ours.join('').trim() !== '') throw new Error(`jobs are pending:\n${jobs}`);
      const told = await system.sh(`systemctl show -P ActiveState -- ${units.join(' ')} | grep .`);
      return Object.fromEntries(
        told
          .trim()
          .split('\n')
          .map((state, at) => [units[at], state]),
      );
    },
    version: async (port = PORT) => {
      const { code, output } = await system.tried(`curl -qsS -m 3 http://127.0.0.1:${port}/ 2>/dev/null`);
      return code === 0 ? (JSON.parse(output) as { version: string }).version : undefined;
    },
    [Symbol.asyncDispose]: () => here[Symbol.asyncDispose](),
  };
}

/** A service that runs FILE at PORT, with more lines of its section. */
export function service(lines = '', { unit = '', port = PORT, install = '' } = {}): string {
  return `[Unit]\n${unit}\n[Service]\nExecStart=${FILE} --port ${port}\nUser=app\nRestartSec=100ms\n${lines}\n${install && `[Install]\n${install}`}`;
}

/** Waits until something answers at a port of the host. */
export async function answers(host: UnitHost, port = PORT): Promise<void> {
  for (let tried = 0; tried < 100; tried += 1) {
    if (await host.version(port)) return;
    await sleep(50);
  }
  throw new Error(`nothing answers at port ${port}`);
}

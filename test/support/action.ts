import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

// `npm run faults` bundles this file into .cache/.
const ROOT = new URL(import.meta.url.includes('/.cache/') ? '../' : '../../', import.meta.url).pathname;
const BUNDLES = `${ROOT}.cache/bundles/`;

export interface Step {
  code: number | null;
  /** Standard output and error, as a job log has them. */
  log: string;
  outputs: Record<string, string>;
  state: Record<string, string>;
  summary: string;
}

export interface StartedStep {
  process: ChildProcess;
  /** Resolves when the log contains `text`; rejects when the step ends without it. */
  saw(text: string): Promise<void>;
  ended: Promise<Step>;
}

export interface StepOptions {
  inputs: Record<string, string | number | boolean | undefined>;
  env?: Record<string, string>;
  node?: string;
  /** The workspace; by default an empty folder. */
  cwd?: string;
  /** Where the bundles are; by default those of the sources as they are. */
  bundles?: string;
}

/** Runs the bundle of an action as the Forgejo runner does. */
export async function step(action: string, options: StepOptions): Promise<Step> {
  return start(action, options).ended;
}

/** The same, without waiting. */
export function start(action: string, options: StepOptions): StartedStep {
  const { inputs, env = {}, node = process.execPath, cwd, bundles = BUNDLES } = options;
  const folder = mkdtempSync('/tmp/fdt-step-');
  const files = { GITHUB_OUTPUT: 'output', GITHUB_STATE: 'state', GITHUB_STEP_SUMMARY: 'summary' };
  for (const name of Object.values(files)) writeFileSync(`${folder}/${name}`, '');
  const given = Object.entries({ ...usualTransport(action), ...inputs }).filter(([, value]) => value !== undefined);
  const child = spawn(node, [`${bundles}${action}.cjs`], {
    cwd: cwd ?? folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      FORGEJO_ACTIONS: 'true',
      GITHUB_SERVER_URL: 'https://forge.example',
      GITHUB_REPOSITORY: 'team/service',
      GITHUB_RUN_NUMBER: '7',
      GITHUB_WORKFLOW: 'deploy',
      GITHUB_ACTOR: 'ada',
      RUNNER_TEMP: folder,
      ...Object.fromEntries(Object.entries(files).map(([name, file]) => [name, `${folder}/${file}`])),
      ...Object.fromEntries(given.map(([name, value]) => [`INPUT_${name.toUpperCase()}`, String(value)])),
      ...env,
    },
  });
  let log = '';
  const watchers = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      log += text;
      for (const watcher of watchers) watcher();
    });
  }
  const ended = new Promise<Step>((resolve) => {
    child.on('close', (code) => {
      const read = (file: string) => readFileSync(`${folder}/${file}`, 'utf8');
      const step = {
        code,
        log,
        outputs: heredocs(read('output')),
        state: heredocs(read('state')),
        summary: read('summary'),
      };
      rmSync(folder, { recursive: true, force: true });
      resolve(step);
      for (const watcher of watchers) watcher();
    });
  });
  return {
    process: child,
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

/** With FDT_TRANSPORT=openssh every scenario that does not name another goes over the runner's ssh. */
function usualTransport(action: string): StepOptions['inputs'] {
  return action === 'submodule-bump' ? {} : { transport: process.env.FDT_TRANSPORT };
}

/** A summary as people see it. */
export function asShown(summary: string): string {
  return summary.replace(/<\/?code>|&#(\d+);/g, (_, code) => (code ? String.fromCodePoint(Number(code)) : ''));
}

/** Reads `name<<delimiter` blocks as a runner does. */
export function heredocs(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/^([\w-]+)<<(\S+)\n([\s\S]*?)\n?\2$/gm)].map(([, name, , value]) => [name, value]),
  );
}

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Step } from '../support/action.ts';
import type { FaultyHost, Secrets } from './host.ts';

// `npm run faults` bundles this file into .cache/.
const ROOT = new URL(import.meta.url.includes('/.cache/') ? '../' : '../../', import.meta.url).pathname;

/** What was seen of one process: the text that looks like a secret, in its words or its environment. */
export interface Sighting {
  where: 'words' | 'environment';
  pid: number;
  /** What it executed then. */
  program: string;
  words: string;
  text: string;
}

/** Looks at the words and the environment of every process of this machine, over and over. */
export interface Sampler extends Disposable {
  sightings: Sighting[];
}

/** Starts it, as a process of its own. */
export function sampler(): Sampler {
  const child: ChildProcess = spawn(process.execPath, [`${ROOT}test/faults/sampler.mjs`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const sightings: Sighting[] = [];
  if (child.stdout) createInterface(child.stdout).on('line', (line) => sightings.push(JSON.parse(line)));
  child.stdin?.on('error', () => undefined);
  return { sightings, [Symbol.dispose]: () => child.stdin?.end() };
}

/** Everywhere a secret of this run was seen where it must not be. */
export function secretsIn(host: FaultyHost, steps: Step[], { sightings }: Sampler): string[] {
  const names = namesOf(host.secrets);
  const inText = (text: string, where: string) =>
    names.filter(([, secret]) => text.includes(secret)).map(([name]) => `${name} in ${where}`);
  return [
    ...steps.flatMap(({ log, outputs, state, summary }, at) => [
      // The runner takes these lines for itself.
      ...inText(log.replace(/^::add-mask::.*$/gm, ''), `the log of step ${at + 1}`),
      ...inText(JSON.stringify([outputs, state]) + summary, `what step ${at + 1} left its runner`),
    ]),
    ...sightings
      .filter((seen) => !isMeant(seen, host))
      .flatMap((seen) => inText(seen.text, `the ${seen.where} of ${seen.program} (${seen.words})`)),
    ...[host.target.folder.replace(/\/bin$/, ''), host.target.service.home, host.scratch, host.cache].flatMap(
      (folder) => filesWith(folder, host.secrets).map((path) => `a secret in ${path}`),
    ),
  ];
}

/** Files that hold a secret: of the whole folder, hidden ones and core dumps as well. */
export function filesWith(folder: string, secrets: Secrets): string[] {
  const patterns = namesOf(secrets).map(([, secret]) => secret);
  try {
    // The patterns go through a pipe: else grep's own words would be a finding.
    const found = execFileSync('grep', ['-rlFs', '-f', '-', folder], {
      input: `${patterns.join('\n')}\n`,
      encoding: 'utf8',
    });
    return found.split('\n').filter(Boolean);
  } catch {
    return [];
  }
}

/** The runner gives a step its inputs by the environment, and the program has its own. */
function isMeant({ where, program, words }: Sighting, host: FaultyHost): boolean {
  if (where !== 'environment') return false;
  // Of a process at its end only the words are left.
  if (['', process.execPath].includes(program) && /\/(deploy-binary|verify-deploy)\.cjs/.test(words)) return true;
  // `env`, on its way to become the program, is the same process as the program.
  return program.startsWith(host.target.folder) || words.includes(`/${host.target.name} `);
}

function namesOf({ passphrase, environment, keyLines }: Secrets): [name: string, secret: string][] {
  return [
    ['the passphrase', passphrase],
    ['an environment value', environment],
    ...keyLines.map((line): [string, string] => ['the key', line]),
  ];
}

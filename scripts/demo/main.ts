import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startSshTarget } from './ssh-target.ts';

/**
 * The main job in miniature, on this machine alone: an SSH server of our own in a temporary folder, a real program
 * (a copy of this `node`), a deploy through the committed bundle, then a broken one that goes back by itself.
 */
async function demo(): Promise<number> {
  if (process.platform !== 'linux') {
    console.log('The demo deploys to this machine, and the action deploys to Linux only: run it on Linux.');
    return 1;
  }
  const folder = mkdtempSync(join(tmpdir(), 'deploy-demo-'));
  const end = () => {
    rmSync(folder, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  process.once('exit', end);
  const target = await startSshTarget();
  const port = await freePort();
  const place = { folder, port, sshPort: target.port, key: target.key, knownHosts: target.knownHosts };
  const first = startByHand(place);
  try {
    await healthy(port);
    const good = await deploy('1. A new version, deployed over the one that runs', { ...place, version: 'two' });
    const serving = await versionOf(port);
    const bad = await deploy('2. A version that exits at once: the step fails, and the target goes back by itself', {
      ...place,
      version: 'broken',
    });
    const still = await versionOf(port);
    title('What serves now');
    console.log(`after the good deploy: ${serving}; after the broken one: ${still}`);
    const passed = good === 0 && serving === 'two' && bad === 1 && still === 'two';
    console.log(passed ? '\nThe demo did what it promised.' : '\nThe demo did NOT do what it promised.');
    return passed ? 0 : 1;
  } finally {
    first.kill('SIGKILL');
    await stopServing(port);
    await target.close();
  }
}

interface Place {
  folder: string;
  port: number;
  sshPort: number;
  key: string;
  knownHosts: string;
}

/** The program: it serves the last word of its own file, so that every version is another file. */
const SERVICE = `
const { createServer } = require('node:http');
const { closeSync, fstatSync, openSync, readSync } = require('node:fs');
const file = openSync(process.execPath), end = Buffer.alloc(16);
readSync(file, end, 0, 16, fstatSync(file).size - 16);
closeSync(file);
const version = end.toString().trim();
if (version === 'broken') { console.error('Error: this version can not start'); process.exit(3); }
createServer((_, answer) => answer.end(JSON.stringify({ version, pid: process.pid }))).listen(Number(process.argv[2]), '127.0.0.1');
console.log('version ' + version + ' listens');
`;

function startByHand({ folder, port }: Place): ChildProcess {
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'service.cjs'), SERVICE);
  makeVersion(join(folder, 'bin', 'service'), 'one');
  return spawn('./service', [join(folder, 'service.cjs'), String(port)], {
    cwd: join(folder, 'bin'),
    stdio: 'ignore',
    detached: true,
  });
}

function makeVersion(path: string, version: string): void {
  copyFileSync(process.execPath, path);
  chmodSync(path, 0o755);
  appendFileSync(path, version.padStart(16));
}

async function deploy(what: string, place: Place & { version: string }): Promise<number | null> {
  title(what);
  const source = join(place.folder, `service-${place.version}`);
  makeVersion(source, place.version);
  const inputs = {
    host: `127.0.0.1:${place.sshPort}`,
    'ssh-key': place.key,
    'known-hosts': place.knownHosts,
    source,
    destination: join(place.folder, 'bin', 'service'),
    args: `'${join(place.folder, 'service.cjs')}' ${place.port}`,
    'log-file': join(place.folder, 'service.log'),
    'health-url': `http://localhost:${place.port}/`,
    'health-timeout-seconds': '10',
    'stable-seconds': '1',
  };
  const env = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]));
  const step = spawn(process.execPath, [join(__dirname, 'deploy-binary.cjs')], {
    env: { PATH: process.env.PATH, HOME: place.folder, FORGEJO_ACTIONS: 'true', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  step.stdout.setEncoding('utf8').on('data', (text: string) => {
    process.stdout.write(text.replace(/^::.*\n/gm, ''));
  });
  const code = await new Promise<number | null>((ended) => step.on('close', ended));
  rmSync(source);
  console.log(`-> the step ends ${code === 0 ? 'green' : 'red'}`);
  return code;
}

async function healthy(port: number): Promise<void> {
  for (let tried = 0; tried < 200; tried += 1) {
    if ((await versionOf(port)) !== 'nothing') return;
    await sleep(50);
  }
}

async function versionOf(port: number): Promise<string> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(2000) });
    return ((await answer.json()) as { version: string }).version;
  } catch {
    return 'nothing';
  }
}

/** Ends what the deploys left running, which by design survives them. */
async function stopServing(port: number): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
  const { pid } = ((await answer?.json()) ?? {}) as { pid?: number };
  if (pid) process.kill(pid, 'SIGKILL');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as { port: number };
  await new Promise((closed) => server.close(closed));
  return port;
}

function title(text: string): void {
  console.log(`\n=== ${text}\n`);
}

void demo().then((code) => process.exit(code));

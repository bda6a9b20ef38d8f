import { spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { get } from 'node:http';
import { program } from '../../test/support/programs.ts';
import { proxy } from '../../test/support/proxy.ts';
import { freePort, sshd } from '../../test/support/sshd.ts';

/*
 * Side by side in one run, on one machine: deploy-binary against what people do by hand. Ratios count; the absolute times
 * are those of a noisy machine. Needs root (a throwaway sshd on loopback), scp, ssh and rsync.
 */
interface Measured {
  way: string;
  seconds: number;
  /** As a client sees it that asks every 2 ms. */
  downSeconds: number;
  bytes: number;
  roundTrips: number;
  peakMegabytes: number;
}

interface Place {
  folder: string;
  port: number;
  sshPort: number;
  key: string;
  knownHosts: string;
}

const LINKS = {
  loopback: {},
  '100 Mbit/s, 50 ms': { delayMs: 25, bytesPerSecond: 12.5e6 },
};
const ALL_SIZES = { '20 kB': 20e3, '100 MB': 100e6, '1 GB': 1e9 };

async function bench(): Promise<void> {
  const sizes = process.argv.includes('--quick') ? { '20 kB': 20e3, '100 MB': 100e6 } : ALL_SIZES;
  const folder = mkdtempSync('/var/tmp/deploy-bench-');
  await using server = await sshd();
  const rows: string[][] = [];
  try {
    for (const [link, limits] of Object.entries(LINKS)) {
      await using between = await proxy(server.port, limits);
      const knownHosts = server.knownHosts.replaceAll(`:${server.port} `, `:${between.port} `);
      writeFileSync(`${folder}/known_hosts`, `${knownHosts}\n`);
      const place = { folder, port: await freePort(), sshPort: between.port, key: server.keyFile, knownHosts };
      const count = { turns: () => between.turns, bytes: () => between.bytesUp };
      rows.push(...(await unchanged(place, link, count)), ...(await verified(place, link, count)));
      for (const [size, bytes] of Object.entries(sizes)) {
        // A gigabyte over a slow link measures patience.
        if (bytes >= 1e9 && link !== 'loopback') continue;
        rows.push(...(await ways(place, { link, size, bytes, count })));
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  table(
    ['link', 'size', 'way', 'time', 'down', 'MB sent', 'round trips', 'memory MB', 'time ratio', 'down ratio'],
    rows,
  );
}

interface Count {
  turns: () => number;
  bytes: () => number;
}

async function ways(
  place: Place,
  { link, size, bytes, count }: { link: string; size: string; bytes: number; count: Count },
): Promise<string[][]> {
  const [one, two] = [versionOf(place, 'one', bytes), versionOf(place, 'two', bytes)];
  const measured: Measured[] = [];
  for (const [way, words] of Object.entries(commands(place, two))) {
    await startFresh(place, one);
    measured.push(await measure(way, words, { place, count, swaps: way !== 'scp' && way !== 'rsync -z' }));
    await stopServing(place);
  }
  const byHand = measured.find(({ way }) => way === 'kill, scp, start') as Measured;
  const scp = measured.find(({ way }) => way === 'scp') as Measured;
  return measured.map((row) => [
    link,
    size,
    row.way,
    `${row.seconds.toFixed(2)} s`,
    row.downSeconds > 0 ? `${Math.round(row.downSeconds * 1000)} ms` : '–',
    (row.bytes / 1e6).toFixed(2),
    String(row.roundTrips),
    row.peakMegabytes.toFixed(0),
    row === byHand
      ? '1 (by hand)'
      : `${(row.seconds / byHand.seconds).toFixed(2)} × by hand, ${(row.seconds / scp.seconds).toFixed(2)} × scp`,
    row.downSeconds > 0 && row !== byHand ? `1/${(byHand.downSeconds / row.downSeconds).toFixed(0)}` : '',
  ]);
}

/** Nothing to do: the action against a bare `ssh true`, in turn. */
async function unchanged(place: Place, link: string, count: Count): Promise<string[][]> {
  const one = versionOf(place, 'one', 20e3);
  await startFresh(place, one);
  const action = commands(place, one)['deploy-binary'] as Command;
  await run(action);
  const [ours, theirs, bare]: [number[], number[], number[]] = [[], [], []];
  let turns = 0;
  for (let round = 0; round < 7; round += 1) {
    const before = count.turns();
    ours.push((await run(action)).seconds);
    turns = count.turns() - before;
    theirs.push((await run({ words: ssh(place, 'true') })).seconds);
    bare.push((await run({ words: [process.execPath, '-e', '0'] })).seconds);
  }
  await stopServing(place);
  const ratio = median(ours) / median(theirs);
  const withoutNode = (median(ours) - median(bare)) / median(theirs);
  return [
    [link, 'unchanged', 'ssh true', `${median(theirs).toFixed(3)} s`, '', '', '', '', '1', ''],
    [
      link,
      'unchanged',
      'deploy-binary',
      `${median(ours).toFixed(3)} s`,
      '',
      '',
      String(turns),
      '',
      `${ratio.toFixed(2)} × ssh true (${withoutNode.toFixed(2)} without Node's own start)`,
      '',
    ],
  ];
}

/** verify-deploy of 100 MB against `ssh true` plus the target's own sha256sum, and the order of single ssh commands by hand. */
async function verified(place: Place, link: string, count: Count): Promise<string[][]> {
  const one = versionOf(place, 'one', 100e6);
  await startFresh(place, one);
  const path = `${place.folder}/bin/fdt-bench-svc`;
  const inputs = {
    host: `root@127.0.0.1:${place.sshPort}`,
    'ssh-key': readFileSync(place.key, 'utf8'),
    'known-hosts': place.knownHosts,
    path,
    source: one,
    strings: 'listens on',
    'listen-port': String(place.port),
    'health-url': `http://127.0.0.1:${place.port}/`,
  };
  const action = {
    words: [process.execPath, new URL('../dist/verify-deploy.cjs', import.meta.url).pathname],
    env: Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
  };
  const byHand = [
    `stat ${path}`,
    `strings ${path} | grep -q 'listens on' || grep -aq 'listens on' ${path}`,
    'pgrep -x fdt-bench-svc',
    `curl -sf http://127.0.0.1:${place.port}/`,
    `sha256sum ${path}`,
  ]
    .map((command) => quoteAll(ssh(place, command)))
    .join(' && ');
  const [ours, bare, hand, sums]: [number[], number[], number[], number[]] = [[], [], [], []];
  let turns = 0;
  for (let round = 0; round < 5; round += 1) {
    const before = count.turns();
    const { seconds, code } = await run(action);
    if (code !== 0) throw new Error(`verify-deploy ended with exit code ${code}`);
    ours.push(seconds);
    turns = count.turns() - before;
    bare.push((await run({ words: ssh(place, 'true') })).seconds);
    sums.push((await run({ words: ['sha256sum', path] })).seconds);
    hand.push((await run({ words: ['/bin/sh', '-c', byHand] })).seconds);
  }
  await stopServing(place);
  const reference = median(bare) + median(sums);
  return [
    [link, 'verify 100 MB', 'five ssh commands', `${median(hand).toFixed(2)} s`, '', '', '', '', '1 (by hand)', ''],
    [
      link,
      'verify 100 MB',
      'verify-deploy',
      `${median(ours).toFixed(2)} s`,
      '',
      '',
      String(turns),
      '',
      `${(median(ours) / median(hand)).toFixed(2)} × by hand, ${(median(ours) / reference).toFixed(2)} × (ssh true + sha256sum)`,
      '',
    ],
  ];
}

interface Command {
  words: string[];
  env?: NodeJS.ProcessEnv;
}

function commands(place: Place, source: string): Record<string, Command> {
  const destination = `${place.folder}/bin/fdt-bench-svc`;
  const remote = `root@127.0.0.1:${destination}`;
  const restart = `cd ${place.folder}/bin && (setsid ./fdt-bench-svc --port ${place.port} </dev/null >/dev/null 2>&1 &)`;
  const script = [
    `${quoteAll(ssh(place, 'pkill -x fdt-bench-svc; while pgrep -x fdt-bench-svc >/dev/null; do sleep 0.05; done'))}`,
    `${quoteAll(['scp', ...options(place, '-P'), '-q', source, remote])}`,
    `${quoteAll(ssh(place, restart))}`,
    `until curl -sf http://127.0.0.1:${place.port}/ >/dev/null; do sleep 0.01; done`,
  ].join(' && ');
  const inputs = {
    host: `root@127.0.0.1:${place.sshPort}`,
    'ssh-key': readFileSync(place.key, 'utf8'),
    'known-hosts': place.knownHosts,
    source,
    destination,
    args: `--port ${place.port}`,
    'health-url': `http://127.0.0.1:${place.port}/`,
    'stable-seconds': '0',
  };
  return {
    scp: { words: ['scp', ...options(place, '-P'), '-q', source, `${remote}.scp`] },
    'rsync -z': { words: ['rsync', '-z', '-e', `ssh ${options(place, '-p').join(' ')}`, source, `${remote}.rsync`] },
    'kill, scp, start': { words: ['/bin/sh', '-c', script] },
    'deploy-binary': {
      words: [process.execPath, new URL('../dist/deploy-binary.cjs', import.meta.url).pathname],
      env: Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
    },
  };
}

function options(place: Place, port: '-p' | '-P'): string[] {
  return [
    port,
    String(place.sshPort),
    '-i',
    place.key,
    '-o',
    `UserKnownHostsFile=${place.folder}/known_hosts`,
    '-o',
    'IdentitiesOnly=yes',
    '-F',
    'none',
  ];
}

function ssh(place: Place, command: string): string[] {
  return ['ssh', ...options(place, '-p'), 'root@127.0.0.1', command];
}

function quoteAll(words: string[]): string {
  return words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
}

/** A real program of about `bytes` bytes that compresses as programs do: padded with this Node's own bytes. */
function versionOf({ folder }: Place, version: string, bytes: number): string {
  const path = `${folder}/${version}-${bytes}`;
  copyFileSync(bytes < 1e6 ? smallProgram(version) : program(version), path);
  const node = readFileSync(process.execPath);
  const file = openSync(path, 'r+');
  let size = statSync(path).size;
  // Another beginning in every version: a rebuild moves everything.
  let from = version.length * 4096 + 1;
  while (size < bytes && bytes >= 1e6) {
    const block = node.subarray(from, from + Math.min(8e6, bytes - size));
    size += writeSync(file, block, 0, block.length, size);
    from = (from + 8e6) % (node.length - 8e6);
  }
  if (bytes >= 1e6) ftruncateSync(file, bytes);
  closeSync(file);
  chmodSync(path, 0o755);
  return path;
}

function smallProgram(version: string): string {
  return program(version, 'healthy', 0, { dynamic: true });
}

async function startFresh(place: Place, one: string): Promise<void> {
  rmSync(`${place.folder}/bin`, { recursive: true, force: true });
  const words = [
    '/bin/sh',
    '-c',
    `mkdir ${place.folder}/bin && cp ${one} ${place.folder}/bin/fdt-bench-svc && cd ${place.folder}/bin && (setsid ./fdt-bench-svc --port ${place.port} </dev/null >/dev/null 2>&1 &)`,
  ];
  await run({ words });
  while (!(await answers(place.port))) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function stopServing({ port }: Place): Promise<void> {
  await run({ words: ['pkill', '-KILL', '-x', 'fdt-bench-svc'] });
  while (await answers(port)) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function measure(
  way: string,
  command: Command,
  { place, count, swaps }: { place: Place; count: Count; swaps: boolean },
): Promise<Measured> {
  const [turns, bytes] = [count.turns(), count.bytes()];
  const watch = swaps ? watchDowntime(place.port) : undefined;
  const { seconds, peakMegabytes, code } = await run(command);
  if (code !== 0) throw new Error(`${way} ended with exit code ${code}`);
  return {
    way,
    seconds,
    peakMegabytes,
    downSeconds: (await watch?.()) ?? 0,
    bytes: count.bytes() - bytes,
    roundTrips: count.turns() - turns,
  };
}

/** Asks the service all the time; the answer is how long nobody answered. */
function watchDowntime(port: number): () => Promise<number> {
  let stopped = false;
  let [down, lastAnswer] = [0, performance.now()];
  const loop = (async () => {
    while (!stopped) {
      if (await answers(port)) {
        const now = performance.now();
        down = Math.max(down, now - lastAnswer);
        lastAnswer = now;
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  })();
  return async () => {
    stopped = true;
    await loop;
    return down / 1000;
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    get({ port, host: '127.0.0.1', agent: false }, (answer) => answer.resume().on('end', () => resolve(true))).on(
      'error',
      () => resolve(false),
    );
  });
}

async function run({
  words,
  env = {},
}: Command): Promise<{ seconds: number; peakMegabytes: number; code: number | null }> {
  const startedAt = performance.now();
  const [file = '', ...rest] = words;
  const child = spawn(file, rest, {
    stdio: ['ignore', 'ignore', 'ignore'],
    env: { PATH: process.env.PATH, HOME: '/nonexistent', FORGEJO_ACTIONS: 'true', ...env },
  });
  let peakMegabytes = 0;
  const sampler = setInterval(() => {
    peakMegabytes = Math.max(peakMegabytes, peakOf(child.pid));
  }, 20);
  const code = await new Promise<number | null>((ended) => child.on('exit', ended));
  clearInterval(sampler);
  return { seconds: (performance.now() - startedAt) / 1000, peakMegabytes, code };
}

function peakOf(pid: number | undefined): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function table(head: string[], rows: string[][]): void {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  for (const row of [head, head.map((_, column) => '-'.repeat(widths[column] ?? 0)), ...rows]) {
    console.log(`| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`);
  }
}

await bench();

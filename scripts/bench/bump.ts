import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { type Step, step } from '../../test/support/action.ts';
import { type GitServer, gitServer } from '../../test/support/git-server.ts';
import { proxy } from '../../test/support/proxy.ts';

/*
 * submodule-bump against what people do by hand: a clone of depth 1 with `submodule update`, then commit and push. Both
 * over git's own http-backend, side by side, on roots of two sizes.
 */
export interface BumpMeasured {
  root: string;
  way: string;
  /** The median of the rounds, as all numbers here. */
  seconds: number;
  bytesReceived: number;
  /** To the root's repository alone, and with those to the submodules'. */
  rootRequests: number;
  requests: number;
}

const SUBMODULES = Array.from({ length: 11 }, (_, index) => `sub${index}`);
const RACERS = 16;
/** By name: how many files, and how often each way is measured, in turns. */
const ROOTS = { '340 commits, 3 MB': { files: 300, rounds: 7 }, '100,000 files': { files: 100_000, rounds: 3 } };
const WAYS: Record<string, Way> = { 'by hand': byHand, 'submodule-bump': byAction };

/** Measures both ways on a root of 340 commits and 3 MB, and on one of 100,000 files; then sixteen bumps at once. Prints a table. */
export async function benchBump(): Promise<BumpMeasured[]> {
  const rows: BumpMeasured[] = [];
  for (const [root, { files, rounds }] of Object.entries(ROOTS)) {
    await using server = await gitServer();
    server.makeRoot('gb', SUBMODULES);
    grow(server, files);
    const measured: BumpMeasured[] = [];
    for (let round = 0; round < rounds; round += 1)
      for (const way of Object.keys(WAYS)) measured.push(await measure(server, root, way));
    for (const way of Object.keys(WAYS)) rows.push(median(measured.filter((one) => one.way === way)));
  }
  console.log(
    'One bump of one submodule of 11, over HTTP on loopback. Requests are HTTP requests of git: to the root, to all.',
  );
  console.log('root                way             time s   kB received  requests: root  all');
  for (const { root, way, seconds, bytesReceived, rootRequests, requests } of rows) {
    console.log(
      `${root.padEnd(20)}${way.padEnd(16)}${seconds.toFixed(2).padStart(6)}${(bytesReceived / 1000).toFixed(1).padStart(14)}${String(rootRequests).padStart(16)}${String(requests).padStart(5)}`,
    );
  }
  for (const root of Object.keys(ROOTS)) {
    const [hand, ours] = rows.filter((row) => row.root === root) as [BumpMeasured, BumpMeasured];
    console.log(
      `${root}: ${(ours.seconds / hand.seconds).toFixed(2)} of the time by hand (goal 0.25), 1/${(hand.bytesReceived / ours.bytesReceived).toFixed(0)} of the bytes (goal 1/20), ${ours.rootRequests} requests to the root (goal 6)`,
    );
  }
  console.log(`${await lost()} of ${RACERS} bumps at once lost (goal 0)`);
  return rows;
}

type Way = (server: GitServer, url: string, folder: string) => Promise<void>;

async function measure(server: GitServer, root: string, way: string): Promise<BumpMeasured> {
  const run = WAYS[way] as Way;
  server.commit('team/sub0', { subject: way, files: { 'main.rs': way } });
  await using between = await proxy(Number(new URL(server.url).port));
  const folder = mkdtempSync('/var/tmp/bump-bench-');
  try {
    const [requests, rootRequests] = [server.requests, server.requestsTo('team/gb')];
    const start = performance.now();
    await run(server, `http://127.0.0.1:${between.port}`, folder);
    return {
      root,
      way,
      seconds: (performance.now() - start) / 1000,
      bytesReceived: between.bytesDown,
      rootRequests: server.requestsTo('team/gb') - rootRequests,
      requests: server.requests - requests,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function median(measured: readonly BumpMeasured[]): BumpMeasured {
  const middle = (of: (one: BumpMeasured) => number) =>
    measured.map(of).sort((a, b) => a - b)[measured.length >> 1] as number;
  return {
    ...(measured[0] as BumpMeasured),
    seconds: middle(({ seconds }) => seconds),
    bytesReceived: middle(({ bytesReceived }) => bytesReceived),
    rootRequests: middle(({ rootRequests }) => rootRequests),
    requests: middle(({ requests }) => requests),
  };
}

async function byHand(_: GitServer, url: string, folder: string): Promise<void> {
  const git = (...args: string[]) => command('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.example', ...args]);
  await git('clone', '-q', '--depth=1', `${url}/team/gb.git`, `${folder}/gb`);
  const root = `${folder}/gb`;
  await git('-C', root, 'submodule', '--quiet', 'update', '--init', '--depth=1');
  await git('-C', `${root}/sub0`, 'fetch', '-q', 'origin', 'main');
  await git('-C', `${root}/sub0`, 'checkout', '-q', 'FETCH_HEAD');
  await git('-C', root, 'commit', '-q', '-am', 'Update sub0');
  await git('-C', root, 'push', '-q', 'origin', 'main');
}

async function byAction(server: GitServer, url: string): Promise<void> {
  const { code, log } = await bump(server, url, 'sub0');
  if (code !== 0) throw new Error(log);
}

function bump(server: GitServer, url: string, submodule: string): Promise<Step> {
  return step('submodule-bump', {
    bundles: `${process.cwd()}/dist/`,
    inputs: { repository: `${url}/team/gb.git` },
    env: {
      GITHUB_SERVER_URL: 'http://127.0.0.1',
      GITHUB_REPOSITORY: `team/${submodule}`,
      GITHUB_SHA: server.git(`team/${submodule}`, 'rev-parse', 'main'),
    },
  });
}

async function lost(): Promise<number> {
  await using server = await gitServer();
  const names = Array.from({ length: RACERS }, (_, index) => `sub${index}`);
  server.makeRoot('gb', names);
  const tips = names.map((name) => server.commit(`team/${name}`));
  await Promise.all(names.map((name) => bump(server, server.url, name)));
  return names.filter((name, index) => server.pointer('gb', name) !== tips[index]).length;
}

/** Adds files and history to the root, by the stream that git itself imports. */
function grow(server: GitServer, files: number): void {
  const tip = server.git('team/gb', 'rev-parse', 'main');
  const lines: string[] = [
    'commit refs/heads/main',
    'committer a <a@b.example> 1700000000 +0000',
    'data 0',
    `from ${tip}`,
  ];
  const noise = (seed: number) =>
    Buffer.from(
      Array.from({ length: 7000 }, (_, at) => (seed * 31 + at * at * 7 + ((at * seed) % 251)) & 255),
    ).toString('base64');
  for (let index = 0; index < files; index += 1) {
    const content = files > 1000 ? `file ${index}` : noise(index);
    lines.push(`M 100644 inline f${index % 300}/file${index}`, `data ${content.length}`, content);
  }
  for (let index = 0; index < 340; index += 1)
    lines.push('commit refs/heads/main', `committer a <a@b.example> ${1700000001 + index} +0000`, 'data 4', 'work');
  server.import('team/gb', `${lines.join('\n')}\n`);
}

function command(name: string, args: readonly string[]): Promise<void> {
  return new Promise((done, failed) => {
    const child = spawn(name, args, {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_TERMINAL_PROMPT: '0' },
    });
    child
      .on('error', failed)
      .on('close', (code) => (code === 0 ? done() : failed(new Error(`${name} ${args.join(' ')}: ${code}`))));
  });
}

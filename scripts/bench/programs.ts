import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  cpSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { type Behaviour, program } from '../../test/support/programs.ts';

const CACHE = '.cache/bench';
const BUILD_LIMIT_MS = 1_200_000;

/** Two versions of one program: what runs, and what is to be deployed. */
export interface Pair {
  name: string;
  one: string;
  two: string;
}

const REBUILDS = {
  'Rust service, debug build': {
    folder: 'rust-service',
    needs: 'cargo',
    source: 'src/main.rs',
    route: '        .route("/version", get(|| async { Json(serde_json::json!({ "version": 2 })) }))',
    build: (target: string) => ['cargo', 'build', '--locked', '--quiet', '--target-dir', target],
    built: 'debug/rust-service',
  },
  'Go service, stripped': {
    folder: 'go-service',
    needs: 'go',
    source: 'main.go',
    route: '\troutes.GET("/version", func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"version": 2}) })',
    build: (target: string) => ['go', 'build', '-trimpath', '-ldflags=-s -w', '-o', `${target}/go-service`, '.'],
    built: 'go-service',
  },
};

/**
 * Real services, built from their registries' packages, and built again with one line and one route changed. Kept in
 * .cache/bench. `leftOut` names those whose compiler is not here.
 */
export function rebuilds(): { pairs: Pair[]; leftOut: string[] } {
  const pairs: Pair[] = [];
  const leftOut: string[] = [];
  for (const [name, recipe] of Object.entries(REBUILDS)) {
    if (spawnSync(recipe.needs, ['version'], { stdio: 'ignore' }).error) {
      leftOut.push(`${name}: there is no ${recipe.needs} here`);
      continue;
    }
    const [one, two] = ['one', 'two'].map((version) => `${CACHE}/${recipe.folder}-${version}`) as [string, string];
    if (!existsSync(one) || !existsSync(two)) build(recipe, one, two);
    pairs.push({ name, one, two });
  }
  return { pairs, leftOut };
}

function build(recipe: (typeof REBUILDS)[keyof typeof REBUILDS], one: string, two: string): void {
  const [copy, target] = [`${CACHE}/${recipe.folder}.src`, `${process.cwd()}/${CACHE}/${recipe.folder}.target`];
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  cpSync(`scripts/bench/programs/${recipe.folder}`, copy, { recursive: true });
  const [file = '', ...words] = recipe.build(target);
  const source = readFileSync(`${copy}/${recipe.source}`, 'utf8');
  const changed = source.replace('"version one"', '"version two"').replace(/^.*\/\/ ROUTE$/m, recipe.route);
  for (const [text, built] of [
    [source, one],
    [changed, two],
  ] as const) {
    writeFileSync(`${copy}/${recipe.source}`, text);
    console.log(`Building ${built}`);
    execFileSync(file, words, { cwd: copy, stdio: ['ignore', 'ignore', 'inherit'], timeout: BUILD_LIMIT_MS });
    copyFileSync(`${target}/${recipe.built}`, `${built}.part`);
    renameSync(`${built}.part`, built);
  }
}

/** Two versions of a service of about `bytes` bytes. */
export function paddedPair(name: string, bytes: number): Pair {
  return { name, one: padded('one', bytes), two: padded('two', bytes) };
}

/** A service of about `bytes` bytes that compress as programs do: padded with this Node's own bytes. */
export function padded(version: string, bytes: number, behaviour: Behaviour = 'healthy'): string {
  mkdirSync(CACHE, { recursive: true });
  const path = `${CACHE}/padded-${version}-${bytes}-${behaviour.replaceAll(' ', '-')}`;
  copyFileSync(program(version, behaviour, 0, { dynamic: bytes < 1e6 }), path);
  if (bytes >= 1e6) pad(path, bytes, version);
  chmodSync(path, 0o755);
  return path;
}

function pad(path: string, bytes: number, version: string): void {
  const node = readFileSync(process.execPath);
  const file = openSync(path, 'r+');
  let size = statSync(path).size;
  // Another beginning in every version: nothing is where it was.
  let from = version === 'one' ? 4097 : 8194;
  while (size < bytes) {
    const block = node.subarray(from, from + Math.min(8e6, bytes - size));
    size += writeSync(file, block, 0, block.length, size);
    from = (from + 8e6) % (node.length - 8e6);
  }
  ftruncateSync(file, bytes);
  closeSync(file);
}

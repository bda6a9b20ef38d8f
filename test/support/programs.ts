import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, truncateSync } from 'node:fs';

// The benchmarks bundle this file into .cache/.
const ROOT = new URL(import.meta.url.includes('/.cache/') ? '../' : '../../', import.meta.url).pathname;
const SOURCE = `${ROOT}test/support/programs/service.c`;
const CACHE = `${ROOT}.cache/programs/`;

const BEHAVIOURS = {
  healthy: [],
  'exits at once': ['-DEXIT_AFTER_MS=0'],
  'exits after 900 ms': ['-DEXIT_AFTER_MS=900'],
  'ignores TERM': ['-DIGNORE_TERM'],
  'starts slowly': ['-DSTART_MS=800'],
  'answers 500': ['-DSTATUS=500'],
  'never listens': ['-DNEVER_LISTEN'],
  'listens on the wrong port': ['-DPORT_SHIFT=1'],
  'forks away': ['-DFORK_AWAY'],
  'shows a title': ['-DTITLE'],
  hangs: ['-DHANG'],
};

export type Behaviour = keyof typeof BEHAVIOURS;

/** A real program of a version, built once; `bytes` pads it, for uploads of some size. Gives its path. */
export function program(
  version: string,
  behaviour: Behaviour = 'healthy',
  bytes = 0,
  { dynamic = false, ignoresTerm = false } = {},
): string {
  mkdirSync(CACHE, { recursive: true });
  const flags = [
    ...(dynamic ? [] : ['-static']),
    `-DVERSION="${version}"`,
    ...BEHAVIOURS[behaviour],
    ...(ignoresTerm ? BEHAVIOURS['ignores TERM'] : []),
  ];
  const id = createHash('sha256')
    .update(readFileSync(SOURCE))
    .update(flags.join(' '))
    .update(String(bytes))
    .digest('hex');
  const path = `${CACHE}${version}-${id.slice(0, 12)}`;
  if (existsSync(path)) return path;
  const building = `${path}.${process.pid}`;
  execFileSync('gcc', ['-O1', '-w', '-o', building, ...flags, SOURCE]);
  if (bytes > 0) truncateSync(building, bytes);
  renameSync(building, path);
  return path;
}

/** The digest of a file, as hex. */
export function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type Asked, parseWords } from './arguments.ts';
import { type Case, casesOf } from './cases.ts';
import { type Ran, runAll } from './run.ts';
import { formatPage, formatTable } from './table.ts';

// Bundled into .cache/.
const KEPT = new URL('./faults-runs.jsonl', import.meta.url).pathname;

/** Runs the cases, several at a time; tells each, and in the end the table and what was wrong. */
async function faults(asked: Asked): Promise<number> {
  if (!asked.resume) rmSync(KEPT, { force: true });
  const before = readKept(KEPT);
  const ranBefore = new Set(before.map(({ c }) => idOf(c)));
  const all = casesOf(asked.seed, asked.runs, asked.only).filter((c) => !ranBefore.has(idOf(c)));
  const cases = asked.one > 0 ? all.filter(({ number }) => number === asked.one) : all;
  const runs = [...before];
  // What runs is ended and taken down first.
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  await runAll(cases, { jobs: asked.jobs, stop: stop.signal }, (ran) => {
    runs.push(ran);
    appendFileSync(KEPT, `${JSON.stringify({ ...ran, log: '' })}\n`);
    console.log(lineOf(ran, `${runs.length}/${before.length + cases.length}`));
    if (ran.problems.length > 0 || asked.one > 0) console.log(detailsOf(ran));
  });
  if (asked.write) writeFileSync(asked.write, formatPage(runs, new Date()));
  const wrong = runs.filter(({ problems }) => problems.length > 0);
  console.log(`\n${formatTable(runs)}\n`);
  for (const ran of wrong) console.log(`${lineOf(ran, 'WRONG')}\n  ${again(ran)}`);
  console.log(`${runs.length} runs, ${wrong.length} with something wrong`);
  return wrong.length > 0 ? 1 : 0;
}

const idOf = ({ seed, only, number }: Case) => `${seed} ${only} ${number}`;

function readKept(path: string): Ran[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Ran);
}

function lineOf({ c, ending, struck, seconds, problems }: Ran, place: string): string {
  const cell = `${c.fault}/${c.phase}`.padEnd(42);
  const about = `${c.login} ${c.strategy} ${c.transport}`.padEnd(24);
  const late = struck ? '' : ' (too late)';
  return `${place.padStart(9)}  #${String(c.number).padEnd(4)} ${cell} ${about} ${ending}${late}, ${seconds.toFixed(1)} s${problems.map((text) => `\n           ! ${text}`).join('')}`;
}

function detailsOf(ran: Ran): string {
  return `${again(ran)}\n${ran.log.replace(/^/gm, '    | ')}`;
}

function again({ c }: Ran): string {
  return `again: npm run faults -- --seed ${c.seed} ${c.only ? `--only ${c.only} ` : ''}--case ${c.number}`;
}

try {
  process.exitCode = await faults(parseWords(process.argv.slice(2)));
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 2;
}

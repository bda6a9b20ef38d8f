import { FAULTS, MATRIX, PHASES, type Phase } from './cases.ts';
import type { Ending } from './judge.ts';
import type { Ran } from './run.ts';

const LETTERS: Record<Ending, string> = {
  active: 'a',
  'rolled-back': 'r',
  untouched: 'u',
  staged: 's',
  broken: 'b',
  'unknown, is new': '?n',
  'unknown, is old': '?o',
  'unknown, is unfinished': '?u',
  'unknown, is down': '?d',
};

/** Faults by phases: how often each ended how. `·` is a fault that can't strike there. */
export function formatTable(runs: readonly Ran[]): string {
  const rows = FAULTS.filter((fault) => runs.some(({ c }) => c.fault === fault)).map((fault) => [
    fault,
    ...PHASES.map((phase) =>
      (MATRIX[fault] as readonly Phase[]).includes(phase)
        ? cell(runs.filter(({ c }) => c.fault === fault && c.phase === phase))
        : '·',
    ),
  ]);
  return markdown(['fault', ...PHASES], rows);
}

function cell(runs: readonly Ran[]): string {
  const late = runs.filter(({ struck }) => !struck).length;
  const wrong = runs.filter(({ problems }) => problems.length > 0).length;
  const endings = Object.entries(LETTERS).map(([ending, letter]): [string, number] => [
    letter,
    runs.filter((ran) => ran.struck && ran.ending === ending).length,
  ]);
  return [...endings, ['l', late] as [string, number], ['WRONG', wrong] as [string, number]]
    .filter(([, count]) => count > 0)
    .map(([letter, count]) => `${count}${letter}`)
    .join(' ');
}

/** docs/FAULTS.md. */
export function formatPage(runs: readonly Ran[], date: Date): string {
  const count = (test: (ran: Ran) => boolean) => String(runs.filter(test).length);
  const has = (text: string) => (ran: Ran) => ran.problems.some((problem) => problem.includes(text));
  const violations = [
    ['the file is neither whole old nor whole new', count(has('the file is'))],
    ['left down without an attempt to restore', count(has('left down'))],
    ['wrong colour or state (green with the old version, …)', count(has(' says '))],
    ["`unknown` that verify-deploy can't resolve", count(has('verify-deploy says'))],
    ['the next plain deploy fails', count(has('the next deploy'))],
    ['something left behind', count(has('left behind'))],
    ['secret found', count(has('secret'))],
    ['any violation', count(({ problems }) => problems.length > 0)],
  ];
  return `${[
    INTRODUCTION,
    `Last written by \`npm run faults\` on ${date.toISOString().slice(0, 10)}: ${runs.length} runs (${seedsOf(runs)}), ` +
      `of which ${count(({ struck }) => struck)} were struck in time.`,
    '## Results',
    LEGEND,
    formatTable(runs),
    '## Violations, and in how many runs they were found',
    markdown(['violation', 'runs'], violations),
    ...runs.filter(({ problems }) => problems.length > 0).map(openIssue),
    HOW,
  ].join('\n\n')}\n`;
}

/** A problem that is still to be fixed. */
function openIssue({ c, problems }: Ran): string {
  const words = `--seed ${c.seed} ${c.only ? `--only ${c.only} ` : ''}--case ${c.number}`;
  return `- \`${c.fault}/${c.phase}\` (\`${words}\`): ${problems.map((text) => text.replace(/\/home\/\w+|\/opt\/[\w/-]+/g, '…')).join('; ')}`;
}

function seedsOf(runs: readonly Ran[]): string {
  const seeds = [...new Set(runs.map(({ c }) => (c.only ? `${c.seed} for ${c.only}` : `${c.seed}`)))];
  return `seed ${seeds.join(', ')}`;
}

const INTRODUCTION = `# Faults

<!-- Written by npm run faults; change test/faults/table.ts. -->

Deploys run against a real SSH server while one fault strikes at a random instant of one phase. After each run, the target
is inspected independently of the actions, verify-deploy is run, and a plain deploy of a further version must finish as
\`active\`.`;

const LEGEND = `A number of runs, and their result: **a** active · **r** rolled-back · **u** untouched · **s** staged · **b** broken ·
**?n** unknown or killed, and verify-deploy reports the new version in place and healthy · **?o** the same with the old version ·
**?u** the same with an unfinished deploy, which the next one recovers · **?d** the same with nothing running · **l** the deploy
finished before the fault. \`·\`: the fault can't strike there.`;

const HOW = `## How it is done

- The target: an OpenSSH server on loopback, and a service account with a program started by hand. Seven of ten deploys log in as
  root, the others as the service account; one of five is \`in-place\`.
- Phases are read from the target's journal and files, not from the log, which lags behind. \`sync\` and \`mv\` are slowed down on
  the target (30 and 40 ms), so that instants inside the short phases are hit.
- \`runner-cancelled\`: SIGINT, SIGTERM, SIGKILL as runners send them, each pause a tenth of theirs. \`connection-stalled\`: both
  directions for 3.5 s. \`connection-gone\`: permanently, and the step is cancelled. \`session-killed\`: sshd's processes of the
  connection. \`signal-…\`: to the program that is running on the target, the transaction or the session before it. \`power-cut\`:
  every process of the target is killed at once, and its SSH server is restarted. \`disk-full\`: a separate file system, filled up to
  0 bytes to 1 MB of free space. \`memory-limit\`: 1 to 12 MB of address space for that program and everything it starts.
- \`clock-back\`: the real clock belongs to the whole machine, so the programs read a fake one: \`date\` is a day late, with files that
  are a day ahead. Waits use the time since boot.
- A quarter of the staged deploys send a delta against the old version. \`cache-damaged\`: the runner's copy of it is cut or
  overwritten; \`tool-gone\`: the target's perl or zstd is removed; \`file-changed\`: somebody puts another version in place by hand.
- Secrets: the key has a passphrase, and every run has its own key, passphrase and environment value. They are searched for in logs,
  outputs, saved state and summaries, in the arguments and the environment of every process (read continuously), and in every file of
  the runner's and the target's folders, core dumps included.
- \`--resume\` continues an earlier call: the table may contain runs of several commits of the same day. A failed run was repeated
  once its cause was fixed; those that were not are listed above.
- A failed run is listed with the command that repeats it: \`npm run faults -- --seed N --case K\`.`;

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

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
    ['the file is neither the whole old nor the whole new one', count(has('the file is'))],
    ['the service is down, and nothing tried to restore it', count(has('left down'))],
    ['the reported state is not true (green with the old version, …)', count(has(' says '))],
    ["`unknown` that verify-deploy can't resolve", count(has('verify-deploy says'))],
    ['the next plain deploy fails', count(has('the next deploy'))],
    ['a file or process is left behind', count(has('left behind'))],
    ['a secret is found', count(has('secret'))],
    ['root ran, opened, changed or revealed something for a hostile account', count(has('root'))],
    ['any violation', count(({ problems }) => problems.length > 0)],
  ];
  return `${[
    INTRODUCTION,
    `Last run with \`npm run faults\` on ${date.toISOString().slice(0, 10)}: ${runs.length} runs (${seedsOf(runs)}). ` +
      `In ${count(({ struck }) => struck)} of them the fault struck in time.`,
    '## Results',
    LEGEND,
    formatTable(runs),
    '## Violations',
    markdown(['violation', 'runs'], violations),
    ...runs.filter(({ problems }) => problems.length > 0).map(openIssue),
    HOW,
  ].join('\n\n')}\n`;
}

/** What still has to be fixed. */
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

A deploy is run again and again against a real SSH server, and each time one fault strikes at a random moment of one phase. After each run the
target is inspected independently of the actions, verify-deploy is run, and a plain deploy of a further version must finish as
\`active\`.`;

const LEGEND = `Each cell has a number and how so many runs finished: **a** active · **r** rolled-back · **u** untouched · **s** staged ·
**b** broken · **?n** unknown or killed, and verify-deploy reports the new version in place and healthy · **?o** the same with the old
version · **?u** the same, and a deploy is unfinished, which the next one recovers · **?d** the same, and nothing serves · **l** the
deploy finished before the fault. \`·\`: the fault can't strike in that phase.`;

const HOW = `## How it works

- The target is an OpenSSH server on loopback with a service account, whose program was started by hand. Seven of ten deploys log in as root, the
  others as the service account. One of five is \`in-place\`.
- Phases are observed in the target's journal and files, because the log comes later. \`sync\` and \`mv\` take 30 and 40 ms longer on
  the target, so that faults also strike within the short phases.
- \`runner-cancelled\`: SIGINT, SIGTERM and SIGKILL as runners send them, with a tenth of their pauses. \`connection-stalled\`: in
  both directions for 3.5 s. \`connection-gone\`: for good, and the step is cancelled. \`session-killed\`: the processes of sshd for this
  connection. \`signal-…\`: to the program that works on the target, which is the transaction or the session before it. \`power-cut\`:
  every process of the target is killed at once, and only its SSH server starts again. \`disk-full\`: a file system of its own with 0 bytes to 1 MB
  left. \`memory-limit\`: 1 to 12 MB of address space for that program and everything it starts.
- \`clock-back\`: the clock of this machine belongs to everybody, so \`date\` on the target is set back by a day, and the files are a day ahead. Waits
  use the time since boot.
- A quarter of the staged deploys send a delta against the old version. \`cache-damaged\`: the runner's copy of the old version is cut or
  overwritten. \`tool-gone\`: perl or zstd is removed from the target. \`file-changed\`: somebody replaces the file by hand.
- \`hostile-account\`: the service account and another account attack for up to 1.5 s. They replace the file, its folders, the state folder and the
  log by links, pipes, folders and other programs, forge names, run the file and kill the new version. Half of these deploys are \`in-place\`.
  The account may spoil its own deploy, so other things are required: root runs nothing of theirs and opens no link of theirs, no process
  or file of root's is touched or shown, the reported state is true unless they went on after it was proved, verify-deploy reports what
  is there, and the next deploy is \`active\`.
- The key has a passphrase, and every run has a key, passphrase and environment value of its own. They are searched for in logs, outputs, saved
  state and summaries, in the arguments and environment of every process (sampled all the time), and in every file of the runner's and the
  target's folders, core dumps included.
- \`--resume\` continues an earlier call, so the table may hold runs of several commits of its day. A run that failed was repeated after its cause was
  fixed; otherwise it is listed above.
- A run that failed is printed with the command that repeats it: \`npm run faults -- --seed N --case K\`.`;

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

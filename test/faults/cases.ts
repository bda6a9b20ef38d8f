import { draws, shuffled } from '../support/draws.ts';

/** The phases of a deploy in their order; `rollback` is going back from a version that fails. */
export const PHASES = [
  'connect',
  'inspect',
  'upload',
  'staged',
  'stop',
  'swap',
  'start',
  'health',
  'stable',
  'accept',
  'rollback',
] as const;

export type Phase = (typeof PHASES)[number];

const LOGGED_IN = PHASES.slice(1);

/** Each fault, and the phases where it can strike. */
export const MATRIX = {
  'runner-killed': PHASES,
  'runner-cancelled': PHASES,
  'connection-reset': PHASES,
  'connection-stalled': PHASES,
  'connection-gone': PHASES,
  'session-killed': PHASES,
  'signal-hup': LOGGED_IN,
  'signal-int': LOGGED_IN,
  'signal-quit': LOGGED_IN,
  'signal-term': LOGGED_IN,
  'signal-abrt': LOGGED_IN,
  'signal-kill': LOGGED_IN,
  'runner-and-transaction-killed': ['stop', 'swap', 'start', 'health', 'stable', 'accept', 'rollback'],
  'power-cut': PHASES,
  'disk-full': LOGGED_IN,
  'memory-limit': LOGGED_IN,
  'clock-back': LOGGED_IN,
  'second-deploy': PHASES,
  'hostile-account': PHASES,
  'cache-damaged': ['connect', 'inspect', 'upload'],
  'tool-gone': ['connect', 'inspect', 'upload'],
  'file-changed': ['connect', 'inspect', 'upload', 'staged'],
  'port-held': ['stop', 'start'],
  'exits-at-once': ['start'],
  'exits-later': ['stable'],
  hangs: ['health'],
  'answers-500': ['health'],
  'never-listens': ['health'],
  'wrong-port': ['health'],
  'forks-away': ['start'],
} satisfies Record<string, readonly Phase[]>;

export type FaultName = keyof typeof MATRIX;

export const FAULTS = Object.keys(MATRIX) as FaultName[];

const OF_A_DELTA: FaultName[] = ['cache-damaged', 'tool-gone', 'file-changed'];

/** One run: which fault strikes when, and on what kind of target. */
export interface Case {
  seed: number;
  /** The part of the matrix that was asked for. */
  only: string;
  /** From 1; with the seed it decides everything else. */
  number: number;
  fault: FaultName;
  phase: Phase;
  /** When it strikes, as a fraction of the phase's usual length. */
  at: number;
  /** The account that deploys. */
  login: 'root' | 'service';
  strategy: 'staged' | 'in-place';
  /** `delta`: the runner has kept the old version. */
  transfer: 'auto' | 'delta';
  /** The client of the connection: a third of the cases has the runner's ssh. */
  transport: 'builtin' | 'openssh';
  /** From 0 to 1, for what the fault itself chooses. */
  draw: number;
}

/** So many cases; every cell of the matrix before any comes again, and every fault within the first few. */
export function casesOf(seed: number, runs: number, only = ''): Case[] {
  const cells = FAULTS.flatMap((fault) => MATRIX[fault].map((phase) => ({ fault, phase }))).filter(({ fault, phase }) =>
    `${fault}/${phase}`.includes(only),
  );
  if (cells.length === 0) throw new Error(`no fault and phase is like '${only}'`);
  const cases: Case[] = [];
  for (let round = 0; cases.length < runs; round += 1) {
    for (const cell of dealt(cells, draws(seed, -2 - round))) {
      if (cases.length < runs) cases.push({ ...caseOf(seed, cases.length + 1, cell), only });
    }
  }
  return cases;
}

interface Cell {
  fault: FaultName;
  phase: Phase;
}

/** All cells: first one of each fault, then another of each that has more. */
function dealt(cells: readonly Cell[], draw: () => number): Cell[] {
  const hands = shuffled(FAULTS, draw).map((fault) =>
    shuffled(
      cells.filter((cell) => cell.fault === fault),
      draw,
    ),
  );
  const order: Cell[] = [];
  for (let turn = 0; turn < PHASES.length; turn += 1) order.push(...hands.flatMap((hand) => hand[turn] ?? []));
  return order;
}

function caseOf(seed: number, number: number, { fault, phase }: Cell): Omit<Case, 'only'> {
  const draw = draws(seed, number);
  const at = draw();
  const login = draw() < 0.7 || fault === 'hostile-account' ? 'root' : 'service';
  // In place there is no staged file.
  const inPlaceShare = fault === 'hostile-account' ? 0.5 : 0.2;
  const strategy = draw() < inPlaceShare && phase !== 'staged' && !OF_A_DELTA.includes(fault) ? 'in-place' : 'staged';
  const chosen = draw();
  const transfer = OF_A_DELTA.includes(fault) || (draw() < 0.25 && strategy === 'staged') ? 'delta' : 'auto';
  const transport = draw() < 1 / 3 ? 'openssh' : 'builtin';
  return { seed, number, fault, phase, at, login, strategy, transfer, transport, draw: chosen };
}

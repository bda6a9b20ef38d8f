import type { Answer } from '../../../lib/ssh/answer.ts';

/** One unit that has to do with the file, as it was before the deploy. */
export interface FoundUnit {
  name: string;
  /** `program`: it runs the file or its command is the file; `trigger`, `dependent` and `wanted` belong to such a one. */
  role: 'program' | 'trigger' | 'dependent' | 'wanted';
  /** Whose user unit it is, empty for a system unit. */
  user: string;
  /** All its names: aliases too. */
  names: string[];
  load: string;
  active: string;
  sub: string;
  enabled: string;
  type: string;
  /** The account of its `User=`, empty where it has none. */
  account: string;
  remain: boolean;
  transient: boolean;
  /** Whether its file has changed since systemd read it. */
  reload: boolean;
  accept: boolean;
  /** How its command names the file: `last` where only the last deploy knows it. */
  command: 'exact' | 'mention' | 'script' | 'last' | 'no';
  /** The processes of it that execute the file. */
  pids: number[];
  triggers: string[];
  dependents: string[];
  /** What its start starts. */
  wants: string[];
  startRefused: boolean;
  stopRefused: boolean;
}

/** A process whose unit belongs to the manager of an account that the deploy has nothing to do with. */
export interface OtherUserUnit {
  pid: number;
  uid: string;
  unit: string;
}

const ROLES = ['program', 'trigger', 'dependent', 'wanted'] as const;
const COMMANDS = ['exact', 'mention', 'script', 'last', 'no'] as const;

export function foundUnits(answer: Answer): FoundUnit[] {
  return answer.records('unit').map(toUnit);
}

export function otherUserUnits(answer: Answer): OtherUserUnit[] {
  return answer
    .records('other_user_unit')
    .map((unit) => ({ pid: unit.pid('pid') ?? 0, uid: unit.numbers('uid'), unit: unitName(unit, 'unit') }));
}

function toUnit(unit: Answer): FoundUnit {
  const word = (key: string) => unit.text(key) ?? '';
  return {
    name: unitName(unit, 'name'),
    role: unit.oneOf('role', ROLES) ?? 'program',
    user: word('user'),
    names: unitNames(unit, 'names'),
    load: word('load'),
    active: word('active'),
    sub: word('sub'),
    enabled: word('enabled'),
    type: word('type'),
    account: word('account'),
    remain: unit.yes('remain'),
    transient: unit.yes('transient'),
    reload: unit.yes('reload'),
    accept: unit.yes('accept'),
    command: unit.oneOf('command', COMMANDS) ?? 'no',
    pids: unit.has('pids')
      ? listed(word('pids'))
          .filter((pid) => PID.test(pid))
          .map(Number)
      : [],
    triggers: unitNames(unit, 'triggers'),
    dependents: unitNames(unit, 'dependents'),
    wants: unitNames(unit, 'wants'),
    startRefused: unit.yes('start_refused'),
    stopRefused: unit.yes('stop_refused'),
  };
}

/** Names go back to the target as words of a command. */
const UNIT = /^[A-Za-z0-9:_.@\\-]{1,255}$/;
const PID = /^[1-9][0-9]{0,9}$/;

function unitName(unit: Answer, key: string): string {
  const [name = ''] = unitNames(unit, key);
  return name;
}

function unitNames(unit: Answer, key: string): string[] {
  return listed(unit.text(key) ?? '').filter((name) => UNIT.test(name));
}

function listed(text: string): string[] {
  return text.split(',').filter((word) => word !== '');
}

/** A unit that does its work and ends: nothing of it is restarted, the next run executes the new file. */
export function isJob({ type, remain }: FoundUnit): boolean {
  return type === 'oneshot' && !remain;
}

export function isActive({ active }: FoundUnit): boolean {
  return active !== '' && active !== 'inactive' && active !== 'failed';
}

/** A unit that nobody enabled or started is a leftover; any other one is how the program is to run. */
export function isMeant(unit: FoundUnit): boolean {
  return unit.active !== 'inactive' || unit.enabled === 'enabled';
}

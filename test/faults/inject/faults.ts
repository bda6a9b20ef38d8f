import type { FaultName } from '../cases.ts';
import type { FaultyHost } from '../host.ts';
import * as connection from './connection.ts';
import type { Inject } from './inject.ts';
import * as others from './others.ts';
import * as runner from './runner.ts';
import * as target from './target.ts';

/** The new version is the fault. */
const inItself: Inject = () => undefined;

export const INJECT: Record<FaultName, Inject> = {
  'runner-killed': runner.killed,
  'runner-cancelled': runner.cancelled,
  'connection-reset': connection.reset,
  'connection-stalled': connection.stalled,
  'connection-gone': connection.gone,
  'session-killed': connection.sessionKilled,
  'signal-hup': target.signalled('SIGHUP'),
  'signal-int': target.signalled('SIGINT'),
  'signal-quit': target.signalled('SIGQUIT'),
  'signal-term': target.signalled('SIGTERM'),
  'signal-abrt': target.signalled('SIGABRT'),
  'signal-kill': target.signalled('SIGKILL'),
  'runner-and-transaction-killed': target.runnerToo,
  'power-cut': target.powerCut,
  'disk-full': target.diskFull,
  'memory-limit': target.memoryLimit,
  'clock-back': target.clockBack,
  'second-deploy': others.secondDeploy,
  'hostile-account': others.hostileAccount,
  'cache-damaged': runner.cacheDamaged,
  'tool-gone': target.toolGone,
  'file-changed': others.fileChanged,
  'port-held': others.portHeld,
  'exits-at-once': inItself,
  'exits-later': inItself,
  hangs: inItself,
  'answers-500': inItself,
  'never-listens': inItself,
  'wrong-port': inItself,
  'forks-away': inItself,
};

/** What must be so before the deploy begins. */
export const PREPARE: Partial<Record<FaultName, (host: FaultyHost) => unknown>> = {
  'clock-back': target.clockAhead,
};

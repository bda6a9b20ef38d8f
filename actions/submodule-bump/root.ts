import type { Failure } from '../../lib/errors.ts';
import type { FurtherRemote } from './inputs.ts';

/** One remote of the root repository, as it was read before anything was pushed. */
export interface Root {
  name: string;
  url: string;
  kind: FurtherRemote['kind'];
  /** Whether it will be pushed: gated ones only when the run says so. */
  pushed: boolean;
  branch: string;
  tip: string;
  format: 'sha1' | 'sha256';
  /** Why it can't be read or pushed; then it is not. */
  failure: Failure | undefined;
}

export type RemoteState =
  | 'pushed'
  | 'up-to-date'
  | 'healed'
  | 'superseded'
  | 'diverged'
  | 'denied'
  | 'unreachable'
  | 'skipped';

/** What became of one remote. */
export interface RemoteResult {
  name: string;
  url: string;
  kind: Root['kind'];
  state: RemoteState;
  old: string;
  new: string;
  why: string;
}

import type { Readable, Writable } from 'node:stream';
import type { Target } from './target.ts';

/** One command that runs on a host. */
export interface Channel {
  readonly input: Writable;
  readonly output: Readable;
  readonly errors: Readable;
  /** Settles when nothing more comes: the exit code, or null where the command was killed or the connection lost. */
  readonly closed: Promise<number | null>;
  destroy(): void;
}

/** An open, authenticated connection to a target. Nothing above lib/ssh knows which client made it. */
export interface Host extends AsyncDisposable {
  readonly target: Target;
  /** Whether bytes cost nothing on the way: this very machine, by its address and by how soon it answers. */
  isNear(): boolean;
  /** The shortest seen. */
  roundTripMs(): number;
  /** Opens an exec channel. Throws a ConnectionError when the connection is gone or the server refuses. */
  exec(command: string): Promise<Channel>;
  /** Opens one in advance, for the next `exec` of that command; settles, and where it is refused, that one opens its own. */
  prepare(command: string): Promise<void>;
  /** Settles when the connection is gone: why, or undefined after dispose. Never rejects. */
  readonly lost: Promise<Error | undefined>;
}

/** A round trip on this very machine, while it is busy. */
export const NEAR_MS = 20;

export function isLoopback(address: string): boolean {
  return /^(::ffff:)?127\.|^::1$/.test(address);
}

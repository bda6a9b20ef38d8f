import { escapeForeign, lastLines } from './foreign.ts';

/** How a target may be left, the best first; the table in README.md says what each means. */
export const STATES = ['unchanged', 'active', 'untouched', 'staged', 'rolled-back', 'unknown', 'broken'] as const;

/** How a target was left. */
export type TargetState = (typeof STATES)[number];

/** What a reader needs at three in the morning. Every text is one sentence without a trailing newline. */
export interface FailureFields {
  /** What was being done: "Activating /opt/gbo/bin/botserver". */
  what: string;
  /** Where: "deploy@web-1:22", or a repository. */
  where?: string | undefined;
  /** The reason found. */
  why: string;
  /** How the target was left, and what runs there now: "rolled-back. The previous version runs again as pid 4120." */
  state?: string | undefined;
  /** One thing to do. */
  remedy: string;
  /** Untrusted output, as it came: at most its last 20 lines are shown, control characters escaped. */
  output?: string | undefined;
  cause?: unknown;
}

/** A failure with a remedy. The subclasses say who can act on it. */
export class Failure extends Error {
  readonly fields: FailureFields;

  constructor(fields: FailureFields) {
    super(formatFailure(fields), fields.cause === undefined ? undefined : { cause: fields.cause });
    this.name = new.target.name;
    this.fields = fields;
  }
}

/** The workflow's author can act: one line per wrong input. */
export class InputError extends Failure {
  constructor(problems: readonly string[]) {
    super({
      what: 'Reading the inputs',
      why: problems.map(escapeForeign).join('\n'),
      remedy: 'correct the `with:` block of this step.',
    });
  }
}

/** Network, keys or known hosts: whoever set up the access can act. */
export class ConnectionError extends Failure {}

/** The host's owner can act. */
export class TargetError extends Failure {}

/** Whoever owns the repository can act. */
export class GitError extends Failure {}

/** The forge or the token is at fault. */
export class ForgejoError extends Failure {}

/** The one place that words a failure. */
export function formatFailure({ what, where, why, state, remedy, output }: FailureFields): string {
  const place = where ? ` on ${escapeForeign(where)}` : '';
  return [
    `${escapeForeign(what)}${place} failed.`,
    field('why', why),
    ...(state ? [field('state', state)] : []),
    field('do', remedy),
    ...(output?.trim() ? [quoted('output', output)] : []),
  ].join('\n');
}

function field(name: string, text: string): string {
  const [first, ...rest] = text.split('\n').map(escapeForeign);
  return [`  ${`${name}:`.padEnd(8)}${first}`, ...rest.map((line) => `          ${line}`)].join('\n');
}

function quoted(name: string, output: string): string {
  const [first, ...rest] = lastLines(output, 20).map(escapeForeign);
  return [`  ${`${name}:`.padEnd(8)}| ${first ?? ''}`, ...rest.map((line) => `          | ${line}`)].join('\n');
}

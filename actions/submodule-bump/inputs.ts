import * as z from 'zod/mini';
import { flagOr, lines, optional, splitLines, text, wholeNumberOr } from '../../lib/action/fields.ts';
import { isOwnerAndName } from '../../lib/forge/access.ts';
import { dispatchInputs, dispatchLines, workflowFile } from '../../lib/forge/inputs.ts';
import { isRefName } from '../../lib/git/refs.ts';
import { parseRemote } from '../../lib/git/url.ts';

const REMOTE = /^(?<name>[\w.-]+)=(?<url>\S+)(?:\s+(?<kind>required|optional|gated))?$/;

/** Every input of action.yml under its own name, checked; see README.md for what each means. */
export const fields = z.object({
  repository: text().check(
    z.refine((value) => isOwnerAndName(value) || parseRemote(value) !== undefined, {
      error: 'expected owner/name, or an https, ssh or file URL without a password in it',
    }),
  ),
  branch: z.optional(z.string().check(z.refine(isRefName, { error: 'expected the name of a branch' }))),
  submodule: optional(),
  commit: z.optional(z.string().check(z.refine(isRefName, { error: 'expected a full commit id, a branch or a tag' }))),
  sweep: flagOr(false),
  exclude: lines(),
  token: optional(),
  'ssh-key': optional(),
  'ssh-key-passphrase': optional(),
  'known-hosts': optional(),
  'host-key-checking': z.optional(
    z.enum(['strict', 'accept-new', 'insecure'], {
      error: ({ input }) => `expected strict, accept-new or insecure, got '${input}'`,
    }),
  ),
  remotes: z._default(
    z.string().check(
      z.refine((value) => splitLines(value).every((line) => parseRemoteLine(line) !== undefined), {
        error: 'expected lines of name=url and, after a blank, required, optional or gated',
      }),
    ),
    '',
  ),
  'push-gated': flagOr(false),
  message: optional(),
  author: z.optional(z.string().check(z.regex(/^[^<>\n]+ <[^<>\s]+>$/, 'expected Name <address>'))),
  'signing-key': optional(),
  'allow-rewind': flagOr(false),
  'pull-request': flagOr(false),
  dispatch: z.optional(workflowFile()),
  'dispatch-inputs': dispatchLines(),
  wait: flagOr(false),
  'wait-timeout-seconds': wholeNumberOr(3600, 1, 86_400),
  'deadline-seconds': wholeNumberOr(120, 1, 3600),
  'dry-run': flagOr(false),
});

const consistent = fields.check(
  z.refine((given) => !(given['pull-request'] && given.remotes !== ''), {
    error: 'a pull request is pushed to the primary remote only: leave it out, further remotes follow after the merge',
    path: ['remotes'],
  }),
  z.refine((given) => !(given['pull-request'] && (given.dispatch !== undefined || given.wait)), {
    error:
      'a pull request moves nothing yet, so there is nothing to start or wait for: leave `dispatch` and `wait` out',
    path: ['pull-request'],
  }),
  z.refine((given) => given.dispatch !== undefined || given['dispatch-inputs'].length === 0, {
    error: 'only valid with `dispatch`',
    path: ['dispatch-inputs'],
  }),
  z.refine((given) => given.sweep || given.exclude.length === 0, {
    error: 'only valid with `sweep`',
    path: ['exclude'],
  }),
);

type Fields = z.infer<typeof fields>;

/** One further remote for the same commit. */
export interface FurtherRemote {
  name: string;
  url: string;
  kind: 'required' | 'optional' | 'gated';
}

/** One wanted pointer: the submodule by path or name (undefined: this repository), and its commit, branch or tag. */
export interface WantedPointer {
  submodule: string | undefined;
  commit: string | undefined;
  /** The line as it was written, and the commit if all of it is a path that has an equals sign in it. */
  line?: string;
  defaultCommit?: string | undefined;
}

/** What the user asked for, in the terms of this action. */
export type BumpInputs = ReturnType<typeof toBumpInputs>;

export const schema = z.pipe(consistent, z.transform(toBumpInputs));

function toBumpInputs(given: Fields) {
  return {
    repository: given.repository,
    branch: given.branch?.replace(/^refs\/heads\//, ''),
    wanted: wantedOf(given),
    sweep: given.sweep,
    exclude: given.exclude,
    token: given.token,
    ssh: {
      key: given['ssh-key'],
      passphrase: given['ssh-key-passphrase'],
      knownHosts: given['known-hosts'],
      checking: given['host-key-checking'],
    },
    signingKey: given['signing-key'],
    pullRequest: given['pull-request'],
    dispatch: given.dispatch,
    dispatchInputs: dispatchInputs(given['dispatch-inputs']),
    wait: given.wait,
    waitTimeoutSeconds: given['wait-timeout-seconds'],
    remotes: splitLines(given.remotes).flatMap((line) => parseRemoteLine(line) ?? []),
    pushGated: given['push-gated'],
    message: given.message,
    author: given.author,
    allowRewind: given['allow-rewind'],
    deadlineSeconds: given['deadline-seconds'],
    dryRun: given['dry-run'],
  };
}

/** `path=commit` per line, or one submodule with the input commit. */
function wantedOf({ submodule, commit }: Fields): WantedPointer[] {
  const named = splitLines(submodule ?? '');
  if (named.length === 0) return [{ submodule: undefined, commit }];
  return named.map((line) => {
    const equals = line.lastIndexOf('=');
    return equals > 0
      ? { submodule: line.slice(0, equals), commit: line.slice(equals + 1), line, defaultCommit: commit }
      : { submodule: line, commit };
  });
}

function parseRemoteLine(line: string): FurtherRemote | undefined {
  const { name, url, kind = 'required' } = REMOTE.exec(line)?.groups ?? {};
  if (!name || !url || !parseRemote(url)) return undefined;
  return { name, url, kind: kind as FurtherRemote['kind'] };
}

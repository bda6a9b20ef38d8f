import * as z from 'zod/mini';
import {
  choice,
  environmentLines,
  flagOr,
  headerLines,
  httpUrl,
  literalLines,
  matching,
  optional,
  secondsOr,
  wholeNumber,
  wholeNumberOr,
  without,
} from '../../lib/action/fields.ts';
import { type HookInputs, hookContradictions, hookFields } from '../../lib/hooks/inputs.ts';
import { type RolloutInputs, rolloutContradictions, rolloutFields } from '../../lib/rollout/inputs.ts';
import { type ConnectionInputs, connectionFields, hostsOf } from '../../lib/ssh/inputs.ts';
import { isAccountName, isOwner, isPlainPath, isStatusList, octalMode } from '../../lib/values.ts';
import { splitWords } from '../../lib/words.ts';

const RESTARTS = ['auto', 'process', 'systemd', 'command', 'none'] as const;
const SIGNALS = ['TERM', 'INT', 'QUIT', 'HUP', 'USR1', 'USR2', 'WINCH', 'KILL'];

/** The inputs that describe a program, whichever action is given them. */
export const programFields = {
  source: optional(),
  sha256: z.optional(matching(/^[0-9a-f]{64}$/i, 'a sha256 digest of 64 hexadecimal digits')),
  destination: matching(isPlainPath, 'an absolute path without ".." or control characters'),
  owner: z.optional(matching(isOwner, 'user, user:group or numbers')),
  mode: z.optional(matching(/^0?[0-7]{3,4}$/, 'an octal mode such as 0755')),
  capabilities: z.optional(matching(/^[a-z0-9_,=+ -]+$/i, 'capabilities such as cap_net_bind_service=+ep')),
  restart: choice(RESTARTS),
  service: z.optional(matching(/^(user:)?[A-Za-z0-9:_.@\\-]+$/, 'the name of a unit, or user:NAME')),
  'stop-command': optional(),
  'start-command': optional(),
  'daemon-reload': flagOr(false),
  'stop-signal': z._default(matching(isSignal, `one of ${SIGNALS.join(', ')}`), 'TERM'),
  'stop-timeout-seconds': wholeNumberOr(10, 1, 3600),
  'run-as': z.optional(matching(isAccountName, 'the name of an account')),
  args: z._default(matching(isSplittable, 'arguments whose quotes are closed'), ''),
  'working-directory': z.optional(matching((path) => path === '/' || isPlainPath(path), 'an absolute path')),
  environment: environmentLines(),
  'log-file': z.optional(matching(isPlainPath, 'an absolute path')),
  'health-url': z.optional(httpUrl()),
  'health-status': z._default(matching(isStatusList, 'status codes and ranges such as 200-399 or 200,204'), '200-399'),
  'health-contains': optional(),
  'health-headers': headerLines(),
  'health-port': wholeNumber(1, 65535),
  'health-command': optional(),
  'health-timeout-seconds': wholeNumberOr(60, 1, 3600),
  'stable-seconds': secondsOr(3, 0, 3600),
  'expect-strings': literalLines(),
};

/** Every input of action.yml under its own name, checked; see README.md for what each means. */
export const fields = z
  .object({
    ...connectionFields,
    ...programFields,
    ...rolloutFields,
    ...hookFields,
    host: z.optional(connectionFields.host),
    strategy: choice(['staged', 'in-place']),
    rollback: flagOr(true),
    'rollback-to': z.optional(matching(/^(previous|[0-9a-f]{4,64})$/i, 'previous or at least 4 digits of a sha256')),
    'keep-releases': wholeNumberOr(3, 0, 100),
    'allow-older': flagOr(false),
    force: flagOr(false),
    transfer: choice(['auto', 'delta', 'compressed', 'plain']),
    'lock-timeout-seconds': wholeNumberOr(60, 0, 86_400),
    'revert-all': flagOr(false),
    'dry-run': flagOr(false),
    'report-file': optional(),
    'status-context': z.optional(matching(/^[^\s\p{Cc}][^\p{Cc}]{0,99}$/u, 'at most 100 characters in one line')),
    token: optional(),
  })
  .check(without(contradictions));

type Fields = z.infer<typeof fields>;
const programSchema = z.object(programFields);
/** A program as it was written, each input checked on its own. */
export type ProgramFields = z.infer<typeof programSchema>;

/** What the user asked for, in the terms of this action; the only place that knows the input names. */
export type DeployInputs = ReturnType<typeof toDeployInputs>;
/** The part of it that describes the program. */
export type ProgramInputs = ReturnType<typeof toProgram>;

export const schema = z.pipe(fields, z.transform(toDeployInputs));

function toDeployInputs(given: Fields) {
  return {
    ...toProgram(given),
    hosts: hostsOf(given.host ?? ''),
    connection: given as Omit<ConnectionInputs, 'host'>,
    rollout: given as RolloutInputs,
    hooks: given as HookInputs,
    sudo: given.sudo,
    strategy: given.strategy,
    rollback: given.rollback,
    rollbackTo: given['rollback-to']?.toLowerCase(),
    keepReleases: given['keep-releases'],
    allowOlder: given['allow-older'],
    force: given.force,
    transfer: given.transfer,
    lockTimeoutSeconds: given['lock-timeout-seconds'],
    revertAll: given['revert-all'],
    dryRun: given['dry-run'],
    reportFile: given['report-file'],
    status: { context: given['dry-run'] ? undefined : given['status-context'], token: given.token },
  };
}

export function toProgram(given: ProgramFields) {
  const destination = given.destination.endsWith('/')
    ? `${given.destination}${given.source?.split('/').at(-1) ?? ''}`
    : given.destination;
  const [, folder = '', name = ''] = /^(.*)\/([^/]*)$/.exec(destination.replace(/\/{2,}/g, '/')) ?? [];
  return {
    source: given.source,
    sha256: given.sha256?.toLowerCase(),
    folder: folder || '/',
    name,
    destination: `${folder}/${name}`,
    owner: given.owner,
    mode: given.mode && octalMode(given.mode),
    capabilities: given.capabilities,
    restart: given.restart,
    service: given.service,
    stopCommand: given['stop-command'],
    startCommand: given['start-command'],
    daemonReload: given['daemon-reload'],
    stopSignal: signalName(given['stop-signal']),
    stopTimeoutSeconds: given['stop-timeout-seconds'],
    runAs: given['run-as'],
    args: splitWords(given.args),
    workingDirectory: given['working-directory'],
    environment: given.environment,
    logFile: given['log-file'],
    health: {
      url: given['health-url'],
      status: given['health-status'].replace(/\s/g, ''),
      contains: given['health-contains'],
      headers: given['health-headers'],
      port: given['health-port'],
      command: given['health-command'],
      timeoutSeconds: given['health-timeout-seconds'],
      stableSeconds: given['stable-seconds'],
    },
    expectStrings: given['expect-strings'],
  };
}

/** Inputs that don't go together; `given` may hold wrong ones as they were written. */
function contradictions(given: Fields): [input: string, message: string][] {
  const found = [...rolloutContradictions(given), ...hookContradictions(given)];
  if (!given.host && !given['hosts-file']) found.push(['host', 'required, but not set']);
  if (given.sha256 && !given.source) found.push(['sha256', 'only valid with `source`, whose digest it is']);
  if (!given.source && !given['rollback-to']) found.push(['source', 'required, unless `rollback-to` is set']);
  if (given.source && given['rollback-to'])
    found.push(['rollback-to', 'cannot be combined with `source`: it activates a kept release']);
  if (given.destination?.endsWith('/') && !given.source)
    found.push(['destination', 'must name the file itself if there is no `source`']);
  if (given['revert-all'] === true && given['keep-releases'] === 0)
    found.push(['keep-releases', 'must be 1 or more with `revert-all`, which restores the previous release']);
  return [...found, ...programContradictions(given)];
}

/** The same of the inputs that describe a program. */
export function programContradictions(given: Partial<ProgramFields>): [input: string, message: string][] {
  const restart = RESTARTS.find((one) => one === given.restart);
  const found: [string, string][] = [];
  if (restart === 'command' && !given['start-command'])
    found.push(['start-command', 'required with `restart: command`']);
  if (restart && restart !== 'command' && (given['start-command'] || given['stop-command'])) {
    found.push([given['start-command'] ? 'start-command' : 'stop-command', 'only valid with `restart: command`']);
  }
  if (given.service && restart && !['auto', 'systemd'].includes(restart)) {
    found.push(['service', 'only valid with `restart: systemd` or `restart: auto`']);
  }
  for (const name of ['health-contains', 'health-headers'] as const) {
    if (!given['health-url'] && (given[name]?.length ?? 0) > 0) found.push([name, 'only valid with `health-url`']);
  }
  if (given.restart === 'none') {
    for (const name of ['health-url', 'health-port', 'health-command'] as const) {
      if (given[name]) found.push([name, 'has no effect with `restart: none`, which starts nothing']);
    }
  }
  for (const [index, line] of (given.environment ?? []).entries()) {
    // Nothing of it is shown: it may be a line of a secret that has several.
    if (!/^[A-Za-z_][A-Za-z0-9_]*=/.test(line))
      found.push(['environment', `line ${index + 1} must be KEY=VALUE with a name a shell can export`]);
  }
  return found;
}

function isSignal(name: string): boolean {
  return SIGNALS.includes(signalName(name));
}

function signalName(name: string): string {
  return name.toUpperCase().replace(/^SIG/, '');
}

function isSplittable(text: string): boolean {
  try {
    splitWords(text);
    return !text.includes('\0');
  } catch {
    return false;
  }
}

import * as z from 'zod/mini';
import {
  choice,
  headerLines,
  httpUrl,
  literalLines,
  matching,
  optional,
  secondsOr,
  wholeNumber,
} from '../../lib/action/fields.ts';
import { connectionFields, connectionsOf } from '../../lib/ssh/inputs.ts';
import { isAccountName, isOwner, isPlainPath, isStatusList, octalMode } from '../../lib/values.ts';

/** Every input of action.yml under its own name, checked; see README.md for what each means. */
export const fields = z
  .object({
    ...connectionFields,
    path: matching(isPlainPath, 'an absolute path without ".." or control characters'),
    source: optional(),
    sha256: z.optional(matching((value) => /^[0-9a-f]{64}$/i.test(value), '64 hexadecimal digits')),
    strings: literalLines(),
    'absent-strings': literalLines(),
    owner: z.optional(matching(isOwner, 'user, user:group or numbers')),
    mode: z.optional(matching((value) => /^0?[0-7]{3,4}$/.test(value), 'an octal mode such as 0755')),
    capabilities: optional(),
    'modified-after': z.optional(
      matching((value) => !Number.isNaN(toEpoch(value)), 'an ISO 8601 time or epoch seconds'),
    ),
    running: choice(['yes', 'no', 'any']),
    'run-as': z.optional(matching(isAccountName, 'the name of an account')),
    'started-after': z.optional(
      matching((value) => !Number.isNaN(toEpoch(value)), 'an ISO 8601 time or epoch seconds'),
    ),
    service: z.optional(
      matching((value) => /^(user:)?[A-Za-z0-9:_.@\\-]+$/.test(value), 'the name of a unit, or user:NAME'),
    ),
    'listen-port': wholeNumber(1, 65535),
    'health-url': z.optional(httpUrl()),
    'health-status': z._default(
      matching(isStatusList, 'status codes and ranges such as 200-399 or 200,204'),
      '200-399',
    ),
    'health-contains': optional(),
    'health-headers': headerLines(),
    'stable-seconds': secondsOr(0, 0, 3600),
    'log-file': z.optional(matching(isPlainPath, 'an absolute path')),
    'log-absent-strings': literalLines(),
    'retry-seconds': secondsOr(0, 0, 86_400),
  })
  .check((context) => {
    for (const [path, message] of contradictions(context.value)) {
      context.issues.push({ code: 'custom', message, path: [path], input: context.value });
    }
  });

type Fields = z.infer<typeof fields>;

/** What is expected, in the terms of this action; the only place that knows the input names. */
export type VerifyInputs = ReturnType<typeof toVerifyInputs>;

export const schema = z.pipe(fields, z.transform(toVerifyInputs));

function toVerifyInputs(given: Fields) {
  const [, folder = '', name = ''] = /^(.*)\/([^/]*)$/.exec(given.path.replace(/\/{2,}/g, '/')) ?? [];
  return {
    connections: connectionsOf(given),
    sudo: given.sudo,
    path: given.path,
    folder: folder || '/',
    name,
    source: given.source,
    sha256: given.sha256?.toLowerCase(),
    strings: given.strings,
    absentStrings: given['absent-strings'],
    owner: given.owner,
    mode: given.mode && octalMode(given.mode),
    capabilities: given.capabilities,
    modifiedAfter: given['modified-after'] === undefined ? undefined : toEpoch(given['modified-after']),
    running: given.running,
    runAs: given['run-as'],
    startedAfter: given['started-after'] === undefined ? undefined : toEpoch(given['started-after']),
    service: given.service,
    listenPort: given['listen-port'],
    health: {
      url: given['health-url'],
      status: given['health-status'].replace(/\s/g, ''),
      contains: given['health-contains'],
      headers: given['health-headers'],
    },
    stableSeconds: given['stable-seconds'],
    logFile: given['log-file'],
    logAbsentStrings: given['log-absent-strings'],
    retrySeconds: given['retry-seconds'],
  };
}

function contradictions(given: Fields): [input: string, message: string][] {
  const found: [string, string][] = [];
  if (given.source && given.sha256)
    found.push(['sha256', 'cannot be combined with `source`, which has its own digest']);
  if (given['log-absent-strings']?.length > 0 && !given['log-file'])
    found.push(['log-file', 'required with `log-absent-strings`']);
  for (const name of ['health-contains', 'health-headers'] as const) {
    if (!given['health-url'] && (given[name]?.length ?? 0) > 0) found.push([name, 'only valid with `health-url`']);
  }
  if (given.running === 'no') {
    for (const name of ['run-as', 'started-after', 'service', 'listen-port', 'health-url'] as const) {
      if (given[name]) found.push([name, 'cannot be met with `running: no`']);
    }
  }
  return found;
}

/** Epoch seconds of an ISO 8601 time, or of epoch seconds; NaN for neither. */
function toEpoch(value: string): number {
  if (/^\d{1,11}(\.\d+)?$/.test(value)) return Number(value);
  return /^\d{4}-\d{2}-\d{2}/.test(value) ? Date.parse(value) / 1000 : Number.NaN;
}

import * as z from 'zod/mini';
import { flagOr, literalLines, matching, optional } from '../../../lib/action/fields.ts';
import { isPlainPath } from '../../../lib/values.ts';
import { programFields } from '../../deploy-binary/inputs.ts';

export type Kind = keyof typeof FIELDS;

/** `restart` is a key of a binary part too, so it is looked for last. */
export const KINDS = ['binary', 'folder', 'config', 'unit', 'restart'] as const satisfies Kind[];

const SYSTEM_UNITS = /^\/(etc|run|usr\/lib|usr\/local\/lib|lib)\/systemd\/system$/;
const UNIT_NAME = /^[A-Za-z0-9:_.@\\-]+\.(service|socket|target|timer|path|mount|automount|swap|slice)$/;

const source = matching((path) => path !== '' && !path.includes('\0'), 'a path on the runner');
const destination = matching(
  isDestination,
  'an absolute path without ".." or control characters, outside of state folders (.NAME.deploy)',
);
const file = {
  source,
  destination,
  owner: programFields.owner,
  mode: z.optional(matching(/^0?[0-7]{3}$/, 'an octal mode without set-ID bits, such as 0644')),
  'overwrite-drift': flagOr(false),
};

/** What is asked of a part's health, under the names of deploy-binary. */
const healthFields = {
  'health-url': programFields['health-url'],
  'health-status': programFields['health-status'],
  'health-contains': programFields['health-contains'],
  'health-port': programFields['health-port'],
  'health-command': programFields['health-command'],
  'health-headers': programFields['health-headers'],
  'health-timeout-seconds': programFields['health-timeout-seconds'],
  'stable-seconds': programFields['stable-seconds'],
};

/** The fields of each kind of part: `source` is what stands after the kind, `destination` what stands after `to`. */
export const FIELDS = {
  binary: { ...programFields, source, destination },
  folder: { ...file, exclude: literalLines(), keep: literalLines() },
  config: {
    ...file,
    check: z.optional(matching(/\{file\}/, 'a command that names the staged file as {file}')),
    apply: optional(),
    ...healthFields,
    'must-contain': literalLines(),
    'shrink-at-most': z.optional(matching(/^(\d{1,2}|100)%$/, 'a percentage such as 50%')),
  },
  unit: { ...file, enable: flagOr(false) },
  restart: { source: matching(/^(user:)?[A-Za-z0-9:_.@\\-]+$/, 'the name of a unit, or user:NAME'), ...healthFields },
};

/** The names that may be written in a part of a kind. */
export function keysOf(kind: Kind): string[] {
  const names = Object.keys(FIELDS[kind]).filter((name) => name !== 'source' && name !== 'destination');
  return [kind, ...(kind === 'restart' ? [] : ['to']), ...names, 'needs'];
}

/** The name of a field as it is written. */
export function keyOf(kind: Kind, field: string): string {
  if (field === 'source') return kind;
  return field === 'destination' ? 'to' : field;
}

/** Whether systemd reads a file at that path as a unit of the system. */
export function isUnitFile(path: string): boolean {
  const at = path.lastIndexOf('/');
  return SYSTEM_UNITS.test(path.slice(0, at)) && UNIT_NAME.test(path.slice(at + 1));
}

function isDestination(path: string): boolean {
  return isPlainPath(path) && !path.split('/').some((segment) => /^\..+\.deploy$/.test(segment));
}

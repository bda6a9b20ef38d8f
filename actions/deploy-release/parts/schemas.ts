import * as z from 'zod/mini';
import { octalMode } from '../../../lib/values.ts';
import { type ProgramFields, programContradictions, programFields, toProgram } from '../../deploy-binary/inputs.ts';
import { FIELDS, isUnitFile, type Kind } from './fields.ts';
import type { Part, PartHealth } from './part.ts';

/** A part without what it has by its place among the others. */
export type OwnPart = Own<Part>;
type Own<Each> = Each extends Part ? Omit<Each, 'line' | 'name' | 'needs'> : never;

const programSchema = z.object(programFields);
const objects = {
  binary: z.object(FIELDS.binary),
  folder: z.object(FIELDS.folder),
  config: z.object(FIELDS.config),
  unit: z.object(FIELDS.unit),
  restart: z.object(FIELDS.restart),
};
type Given<Name extends Kind> = z.infer<(typeof objects)[Name]>;
type Contradiction = [field: string, message: string];

/** What reads the texts of a part of each kind. */
export const SCHEMAS: Record<Kind, z.ZodMiniType<OwnPart>> = {
  binary: reading(objects.binary, programContradictions, (given) => ({ kind: 'binary', program: toProgram(given) })),
  folder: reading(objects.folder, folderContradictions, (given) => ({
    kind: 'folder',
    ...fileOf(given),
    exclude: given.exclude,
    keep: given.keep.map((path) => path.replace(/\/+$/, '')),
  })),
  config: reading(objects.config, healthContradictions, (given) => ({
    kind: 'config',
    ...fileOf(given),
    check: given.check,
    apply: given.apply,
    health: healthOf(given),
    mustContain: given['must-contain'],
    shrinkAtMost: given['shrink-at-most'] === undefined ? undefined : Number.parseInt(given['shrink-at-most'], 10),
  })),
  unit: reading(objects.unit, unitContradictions, (given) => ({
    kind: 'unit',
    ...fileOf(given),
    enable: given.enable,
  })),
  restart: reading(objects.restart, healthContradictions, (given) => ({
    kind: 'restart',
    service: given.source,
    health: healthOf(given),
  })),
};

function reading<Fields extends z.ZodMiniObject>(
  fields: Fields,
  contradictions: (given: Partial<z.infer<Fields>>) => Contradiction[],
  read: (given: z.infer<Fields>) => OwnPart,
): z.ZodMiniType<OwnPart> {
  const check = z.check<z.infer<Fields>>(
    (context) => {
      for (const [path, message] of contradictions(context.value)) {
        context.issues.push({ code: 'custom', message, path: [path], input: context.value });
      }
    },
    // Also when single values are wrong: all is reported at once.
    { when: () => true },
  );
  return z.pipe(fields.check(check), z.transform(read)) as unknown as z.ZodMiniType<OwnPart>;
}

function fileOf(given: Given<'folder'> | Given<'config'> | Given<'unit'>) {
  return {
    source: given.source,
    destination: destinationOf(given),
    owner: given.owner,
    mode: given.mode && octalMode(given.mode),
    overwriteDrift: given['overwrite-drift'],
  };
}

function destinationOf({ source, destination }: { source: string; destination: string }): string {
  const name = source.replace(/\/+$/, '').split('/').at(-1) ?? '';
  return (destination.endsWith('/') ? `${destination}${name}` : destination).replace(/\/{2,}/g, '/');
}

function healthOf(given: Given<'config'> | Given<'restart'>): PartHealth {
  const { source: _, ...health } = given;
  const defaults: ProgramFields = programSchema.parse({ destination: '/part' });
  return toProgram({ ...defaults, ...health, destination: '/part', owner: undefined, mode: undefined }).health;
}

function healthContradictions(given: {
  'health-url'?: unknown;
  'health-contains'?: unknown;
  'health-headers'?: readonly string[];
}): Contradiction[] {
  if (given['health-url']) return [];
  const needing = [
    ['health-contains', given['health-contains']],
    ['health-headers', given['health-headers']?.length],
  ] as const;
  return needing.flatMap(([name, value]) => (value ? [[name, 'only valid with `health-url`'] as Contradiction] : []));
}

function unitContradictions({ source, destination }: { source?: string; destination?: string }): Contradiction[] {
  if (source === undefined || destination === undefined || isUnitFile(destinationOf({ source, destination })))
    return [];
  const advice = 'for a drop-in use a config part with apply: systemctl daemon-reload';
  return [['destination', `expected the path of a system unit, such as /etc/systemd/system/app.service; ${advice}`]];
}

function folderContradictions({ keep = [], exclude = [] }: { keep?: string[]; exclude?: string[] }): Contradiction[] {
  const found: Contradiction[] = [];
  for (const path of keep) {
    const plain = path.replace(/\/+$/, '');
    if (!/^[^/]/.test(path) || plain.split('/').some((segment) => ['', '.', '..'].includes(segment)))
      found.push(['keep', `expected paths inside of the folder, got '${path}'`]);
  }
  if (exclude.some((pattern) => pattern.startsWith('!')))
    found.push(['exclude', 'a pattern that starts with `!` is not read; list what is left out']);
  return found;
}

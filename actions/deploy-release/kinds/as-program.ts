import * as z from 'zod/mini';
import { type ProgramInputs, programFields, toProgram } from '../../deploy-binary/inputs.ts';
import type { BinaryPart, ConfigPart, FolderPart, Part, UnitPart } from '../parts/part.ts';

/** A part that has a place of its own, with what deploy-binary's plan and report take of it. */
export type PlacedPart = BinaryPart | ((ConfigPart | FolderPart | UnitPart) & { program: ProgramInputs });

const fields = z.object(programFields);

/** The part as a program that nothing starts; undefined for one that can't be released. */
export function asProgram(part: Part): PlacedPart | undefined {
  if (part.kind === 'binary') return part;
  if (part.kind === 'restart') return undefined;
  const { source, destination, owner, mode } = part;
  const program = toProgram(fields.parse({ source, destination, restart: 'none' }));
  const health = part.kind === 'config' ? part.health : program.health;
  return { ...part, program: { ...program, owner, mode, health } };
}

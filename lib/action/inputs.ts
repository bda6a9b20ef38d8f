import type * as z from 'zod/mini';
import { InputError } from '../errors.ts';
import { nearest } from '../nearest.ts';

const PREFIX = 'INPUT_';

/**
 * Validates the step's inputs (`INPUT_*`, where an unset one is the empty string) against `schema`, whose keys are the
 * input names. Removes them from `env`, so that no child process inherits a secret.
 * Throws one InputError that names every problem, unknown inputs included: runners enforce neither.
 */
export function readInputs<Inputs>(schema: z.ZodMiniType<Inputs>, env: NodeJS.ProcessEnv): Inputs {
  const given = takeInputs(env);
  const unknown = Object.keys(given).filter((name) => !(name in shapeOf(schema)));
  const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''));
  for (const name of unknown) delete known[name];
  const parsed = schema.safeParse(known);
  const problems = [
    ...unknown.map((name) => `Unknown input '${name}'${closest(name, Object.keys(shapeOf(schema)))}`),
    ...(parsed.success ? [] : parsed.error.issues.map((issue) => problem(issue, known))),
  ];
  if (!parsed.success || problems.length > 0) throw new InputError(problems);
  return parsed.data;
}

function takeInputs(env: NodeJS.ProcessEnv): Record<string, string> {
  const given: Record<string, string> = {};
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith(PREFIX)) continue;
    // A last line end is one of YAML's or of the form that a secret was pasted into.
    given[variable.slice(PREFIX.length).toLowerCase()] = (value ?? '').replaceAll('\r\n', '\n').replace(/\n+$/, '');
    delete env[variable];
  }
  return given;
}

function shapeOf(schema: unknown): Record<string, unknown> {
  const { def } = schema as { def: { shape?: Record<string, unknown>; in?: unknown } };
  return def.shape ?? (def.in ? shapeOf(def.in) : {});
}

function problem(issue: z.core.$ZodIssue, given: Record<string, string>): string {
  const name = String(issue.path[0] ?? '');
  const value = given[name];
  if (name === '') return issue.message;
  if (value === undefined && issue.code === 'invalid_type') return `Input '${name}': required, but not set.`;
  return `Input '${name}': ${issue.message}.`;
}

function closest(name: string, candidates: readonly string[]): string {
  const match = nearest(name, candidates);
  return match ? `; did you mean '${match}'?` : '.';
}

import * as core from '@actions/core';
import type * as z from 'zod/mini';
import { Failure, formatFailure } from '../errors.ts';
import { childEnvironment } from './child-environment.ts';
import { readInputs } from './inputs.ts';
import { type Log, openLog } from './log.ts';
import { type OutputValue, type Summary, writeOutputs, writeSummary } from './outputs.ts';
import { type Run, readRun } from './run.ts';

/** What the runner gives a step and takes from it. */
export interface ActionContext {
  readonly log: Log;
  /** The workflow run this step belongs to. */
  readonly run: Run;
  /** Aborted when the runner asks the step to end (SIGINT, SIGTERM, SIGHUP). */
  readonly signal: AbortSignal;
  /** A variable of the runner's environment; undefined when unset or empty. */
  env(name: string): string | undefined;
  /** The runner's environment for a program of the runner that needs all of it: without inputs, tokens and what steps share. */
  childEnvironment(): Record<string, string>;
  /** Sets outputs; may be called again, and before a failure: what was set stays set. */
  outputs(values: Record<string, OutputValue>): Promise<void>;
  /** Appends a table to the step summary, where the platform has one. */
  summary(summary: Summary): Promise<void>;
  /** Keeps text for the post step. Never a secret: it is written to a file of the runner. */
  save(name: string, value: string): void;
}

export interface ActionDefinition<Inputs> {
  /** Keys are the input names of action.yml. */
  schema: z.ZodMiniType<Inputs>;
  /** Throws a Failure to end red. */
  main(inputs: Inputs, context: ActionContext): Promise<void>;
  /** Outputs of a step that ends before `main` sets its own, wrong inputs included. */
  outputs?: Record<string, OutputValue>;
  /**
   * Runs after the job, also when main was killed, with what main saved. `inputs` throws an InputError where the runner
   * does not give them again.
   */
  post?(saved: (name: string) => string, inputs: () => Inputs, context: ActionContext): Promise<void>;
}

const SAVED_PHASE = 'phase';

/** Runs one action, main or post step; sets the process's exit code, the only place that does. */
export async function action<Inputs>({ schema, main, outputs, post }: ActionDefinition<Inputs>): Promise<void> {
  const log = openLog(readRun(process.env).platform);
  const ended = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ended.abort(signal));
  const end = async (error?: unknown) => {
    const red = error !== undefined;
    if (red) log.failure(error instanceof Failure ? error.message : unexpected(error));
    process.exitCode ||= red ? 1 : 0;
    await log.drain(red);
    // A socket or timer of a library must not hold the runner's slot.
    process.exit();
  };
  // Node would print its message as it is, and that may be a server's text.
  process.on('uncaughtException', (error) => void end(error ?? new Error('no reason was given')));
  const context: ActionContext = {
    log,
    run: readRun(process.env),
    signal: ended.signal,
    env: (name) => process.env[name] || undefined,
    childEnvironment: () => childEnvironment(process.env),
    outputs: writeOutputs,
    summary: writeSummary,
    save: (name, value) => core.saveState(name, value),
  };
  try {
    requireNode(process.versions.node);
    if (core.getState(SAVED_PHASE) === 'main') {
      await post?.(core.getState, () => readInputs(schema, process.env), context);
    } else {
      core.saveState(SAVED_PHASE, 'main');
      if (outputs) await context.outputs(outputs);
      await main(readInputs(schema, process.env), context);
    }
  } catch (error) {
    return end(error ?? new Error('no reason was given'));
  }
  return end();
}

function requireNode(version: string): void {
  if (Number.parseInt(version, 10) >= 20) return;
  throw new Failure({
    what: 'Starting the action',
    why: `it needs Node.js 20 or later, but the runner's \`node\` is ${version}.`,
    remedy: 'install a newer Node.js where the job runs (its image, or the host), and put it first in PATH.',
  });
}

function unexpected(error: unknown): string {
  return formatFailure({
    what: 'The action',
    why: `an unexpected error: ${error instanceof Error ? error.message : String(error)}`,
    remedy: 'report this as a bug, with the output below.',
    output: error instanceof Error ? error.stack : undefined,
  });
}

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { actionNames } from '../../../scripts/checks/imports.mjs';

interface Step {
  id?: string;
  uses?: string;
  with?: Record<string, unknown>;
}

interface Workflow {
  on?: unknown;
  permissions?: unknown;
  concurrency?: { group?: string };
  jobs?: Record<string, { 'runs-on'?: string; 'timeout-minutes'?: number; steps?: Step[] }>;
}

interface ActionFile {
  inputs: Record<string, { required?: boolean }>;
  outputs: Record<string, unknown>;
}

const ACTIONS: Record<string, ActionFile> = Object.fromEntries(
  actionNames().map((name) => [name, parse(readFileSync(`actions/${name}/action.yml`, 'utf8'))]),
);
const WORKFLOWS = ['examples', '.forgejo/workflows', '.github/workflows'].flatMap((folder) =>
  readdirSync(folder).map((name) => `${folder}/${name}`),
);
const PAGES = ['README.md', ...pagesIn('docs'), ...Object.keys(ACTIONS).map((name) => `actions/${name}/README.md`)];
const SNIPPETS = PAGES.flatMap((path) => snippetsOf(path).map((text, at) => ({ name: `${path}, ${at + 1}`, text })));

describe.each(WORKFLOWS)('the workflow %s', (path) => {
  const text = readFileSync(path, 'utf8');
  const workflow = parse(text) as Workflow;
  const jobs = Object.values(workflow.jobs ?? {});
  const steps = jobs.flatMap((job) => job.steps ?? []);

  test('says when it runs, and every job where', () => {
    expect(workflow.on).toBeDefined();
    expect(jobs.length).toBeGreaterThan(0);
    for (const job of jobs) expect(job['runs-on']).toMatch(/\S/);
  });

  test('gives each action of ours what it takes', () => {
    expect(steps.flatMap(mistakes)).toEqual([]);
  });

  test('uses only outputs that the step has', () => {
    const used = [...text.matchAll(/steps\.([\w-]+)\.outputs\.([\w-]+)/g)];
    const missing = used.filter(([, id, output]) => {
      const name = actionOf(steps.find((step) => step.id === id));
      return name !== undefined && !(String(output) in (ACTIONS[name]?.outputs ?? {}));
    });
    expect(missing.map(([use]) => use)).toEqual([]);
    expect(used.filter(([, id]) => !steps.some((step) => step.id === id)).map(([use]) => use)).toEqual([]);
  });
});

describe.each(WORKFLOWS.filter((path) => path.startsWith('.')))('the pipeline %s', (path) => {
  const text = readFileSync(path, 'utf8');
  const workflow = parse(text) as Workflow;

  test("names other people's actions by full commit, with the version beside it", () => {
    const others = [...text.matchAll(/uses: (?!\.\/)(.*)$/gm)].map(([, uses]) => uses);
    expect(others.length).toBeGreaterThan(0);
    expect(others.filter((uses) => !/^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(uses ?? ''))).toEqual([]);
  });

  test('may do no more than it says, never runs twice at once, and has an end', () => {
    expect(workflow.permissions).toBeDefined();
    expect(workflow.concurrency?.group).toMatch(/\S/);
    for (const job of Object.values(workflow.jobs ?? {})) expect(job['timeout-minutes']).toBeGreaterThan(0);
  });
});

describe('what the pages show to copy', () => {
  test('there is something for every action', () => {
    const shown = SNIPPETS.flatMap(({ text }) => stepsOf(text)).map(actionOf);
    expect(Object.keys(ACTIONS).filter((name) => !shown.includes(name))).toEqual([]);
  });

  test.each(SNIPPETS)('$name gives each action what it takes', ({ text }) => {
    expect(stepsOf(text).flatMap(mistakes)).toEqual([]);
  });
});

/** What a runner or the action would refuse of a step that uses one of ours. */
function mistakes(step: Step): string[] {
  const name = actionOf(step);
  if (name === undefined) return [];
  const inputs = ACTIONS[name]?.inputs;
  if (!inputs) return [`there is no action ${name}`];
  const given = Object.entries(step.with ?? {});
  return [
    ...given.filter(([input]) => !(input in inputs)).map(([input]) => `${name} has no input ${input}`),
    ...given.filter(([, value]) => typeof value === 'object').map(([input]) => `${input}: runners refuse lists`),
    ...Object.keys(inputs)
      .filter((input) => inputs[input]?.required && !given.some(([other]) => other === input))
      .map((input) => `${name} needs ${input}`),
  ];
}

function actionOf(step: Step | undefined): string | undefined {
  return /(?:^\.|\/forgejo-deploy-toolkit)\/actions\/([\w-]+)(?:@|$)/.exec(step?.uses ?? '')?.[1];
}

/** The YAML blocks of a page that use an action of ours and show its inputs. */
function snippetsOf(path: string): string[] {
  const blocks = [...readFileSync(path, 'utf8').matchAll(/^```ya?ml\n([\s\S]*?)^```/gm)].map(([, text]) => text ?? '');
  return blocks.filter((text) => /\/actions\/[\w-]+/.test(text) && /^\s*with:/m.test(text));
}

function stepsOf(text: string): Step[] {
  const parsed = parse(text) as Step[] | Workflow | { steps?: Step[] };
  if (Array.isArray(parsed)) return parsed;
  if ('jobs' in parsed) return Object.values(parsed.jobs ?? {}).flatMap((job) => job.steps ?? []);
  return 'steps' in parsed ? (parsed.steps ?? []) : [];
}

function pagesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`);
}

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { actionNames } from '../../../scripts/checks/imports.mjs';

interface ActionFile {
  name: string;
  author?: string;
  description: string;
  branding?: { icon?: string; color?: string };
  inputs: Record<string, { description: string; required?: boolean; default?: unknown }>;
  outputs: Record<string, { description: string }>;
  runs: Record<string, string>;
}

interface Field {
  safeParse(value: unknown): { success: boolean };
  def: { type: string; defaultValue?: unknown };
}

const ACTIONS = actionNames();

test('there is an action', () => expect(ACTIONS.length).toBeGreaterThan(0));

describe.each(ACTIONS)('%s', (name) => {
  const folder = `actions/${name}/`;
  const action = parse(readFileSync(`${folder}action.yml`, 'utf8')) as ActionFile;
  const inputs = Object.entries(action.inputs);

  test('its action.yml has the inputs of its schema, no more and no less', async () => {
    expect(Object.keys(action.inputs).sort()).toEqual(Object.keys(await fieldsOf(name)).sort());
  });

  test('an input is required exactly where its schema refuses to go without', async () => {
    const fields = await fieldsOf(name);
    const refused = Object.keys(fields).filter((input) => !(fields[input] as Field).safeParse(undefined).success);
    const required = inputs.filter(([, input]) => input.required === true).map(([input]) => input);
    expect(required.sort()).toEqual(refused.sort());
  });

  test("a default in action.yml is the schema's", async () => {
    const fields = await fieldsOf(name);
    const differing = inputs.filter(([input, { default: written }]) => {
      const { defaultValue } = (fields[input] as Field).def;
      return written !== undefined && defaultValue !== undefined && String(defaultValue) !== String(written);
    });
    expect(differing).toEqual([]);
  });

  test('a default of the schema is in the description', async () => {
    const fields = await fieldsOf(name);
    const silent = inputs.filter(([input, { default: written, description }]) => {
      const { defaultValue } = (fields[input] as Field).def;
      const worthTelling = defaultValue !== undefined && String(defaultValue) !== '';
      return worthTelling && written === undefined && !/\bdefault\b/.test(description);
    });
    expect(silent.map(([input]) => input)).toEqual([]);
  });

  test('every input and output is named in lower case and described', () => {
    for (const [input, { description }] of [...inputs, ...Object.entries(action.outputs)]) {
      expect(input).toMatch(/^[a-z][a-z0-9-]*$/);
      expect(description, input).toMatch(/\S/);
    }
  });

  test('a default never uses a secret, which runners do not provide there', () => {
    expect(inputs.filter(([, input]) => /secrets\./.test(String(input.default ?? '')))).toEqual([]);
  });

  test('it names its author, and the sign that catalogues show beside it', () => {
    expect(action.author).toMatch(/\S/);
    expect(action.branding?.icon).toMatch(/^[a-z-]+$/);
    expect(action.branding?.color).toMatch(/^(white|black|yellow|blue|green|orange|red|purple|gray-dark)$/);
  });

  test('an output says only what it is', () => {
    for (const output of Object.values(action.outputs)) {
      expect(['description', 'description,value']).toContain(Object.keys(output).sort().join());
    }
  });

  test('it runs its own bundle with what the Forgejo runner accepts under `runs`', () => {
    const { using, main, post } = action.runs;
    expect(using).toBe('node24');
    expect(main).toBe(`../../dist/${name}.cjs`);
    expect([undefined, main]).toContain(post);
    expect(existsSync(`dist/${name}.cjs`)).toBe(true);
    expect(Object.keys(action.runs).filter((key) => !/^(using|main|post|post-if|pre|pre-if)$/.test(key))).toEqual([]);
  });

  test('it has a post step exactly when its entry has one', () => {
    const entry = readFileSync(`${folder}main.ts`, 'utf8');
    expect(/\bpost\b/.test(entry)).toBe(action.runs.post !== undefined);
  });

  test('its README shows how to use it before line 20', () => {
    const beginning = readFileSync(`${folder}README.md`, 'utf8').split('\n').slice(0, 20).join('\n');
    expect(beginning).toContain(`actions/${name}`);
    expect(beginning).toContain('with:');
  });
});

async function fieldsOf(name: string): Promise<Record<string, Field>> {
  const { schema } = await import(`../../../actions/${name}/inputs.ts`);
  return shapeOf(schema);
}

function shapeOf({ def }: { def: { shape?: Record<string, Field>; in?: never } }): Record<string, Field> {
  return def.shape ?? shapeOf(def.in as never);
}

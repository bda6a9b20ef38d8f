import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseParts } from '../../../actions/deploy-release/parts/parse-parts.ts';

interface Step {
  uses?: string;
  with?: { parts?: string };
}

const EXAMPLES = readdirSync('examples').flatMap((name) => {
  const { jobs } = parse(readFileSync(`examples/${name}`, 'utf8')) as { jobs: Record<string, { steps?: Step[] }> };
  const steps = Object.values(jobs).flatMap((job) => job.steps ?? []);
  return steps.flatMap((step) =>
    step.uses?.includes('/deploy-release@') ? [[name, step.with?.parts ?? ''] as const] : [],
  );
});

describe('the parts', () => {
  test('are shown in two examples at least', () => expect(EXAMPLES.length).toBeGreaterThan(1));

  test.each(EXAMPLES)('of %s are read without a problem', (_, parts) => {
    expect(parseParts(parts).problems).toEqual([]);
  });

  test('in the README of deploy-release are read without a problem', () => {
    const blocks = [...readFileSync('actions/deploy-release/README.md', 'utf8').matchAll(/```yaml\n([\s\S]*?)```/g)];
    const texts = blocks.map(([, block = '']) => {
      const yaml = parse(block) as (Step & object)[];
      return yaml[0]?.with?.parts ?? block;
    });
    expect(texts.length).toBeGreaterThan(1);
    for (const text of texts) expect(parseParts(text).problems).toEqual([]);
  });
});

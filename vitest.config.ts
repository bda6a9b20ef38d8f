import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { assemblyVitePlugin } from './scripts/assembly.mjs';
import { shVitePlugin } from './scripts/sh-program.mjs';

const tier = (name: string, limits: object) => ({
  plugins: [shVitePlugin, assemblyVitePlugin],
  test: { name, include: [`test/${name}/**/*.test.ts`], ...limits },
});

/** Files that take minutes: started last, they would run alone at the end. */
const LONG = /\/(faults|interrupt|killed|accounts|hostile-account|forge|bump)\.test\.ts$/;

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) => LONG.test(moduleId);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongFirst },
    projects: [
      tier('unit', { testTimeout: 5_000 }),
      tier('integration', {
        testTimeout: 60_000,
        hookTimeout: 60_000,
        maxWorkers: 3,
        globalSetup: 'test/support/bundles.ts',
      }),
      tier('e2e', {
        testTimeout: 180_000,
        hookTimeout: 180_000,
        // They wait more than they work.
        maxWorkers: 2,
        maxConcurrency: 24,
        globalSetup: 'test/support/lxd/setup.ts',
      }),
    ],
  },
});

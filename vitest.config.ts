import { defineConfig } from 'vitest/config';
import { assemblyVitePlugin } from './scripts/assembly.mjs';
import { shVitePlugin } from './scripts/sh-program.mjs';

const tier = (name: string, limits: object) => ({
  plugins: [shVitePlugin, assemblyVitePlugin],
  test: { name, include: [`test/${name}/**/*.test.ts`], ...limits },
});

export default defineConfig({
  test: {
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

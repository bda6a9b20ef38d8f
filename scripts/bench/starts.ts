import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { median } from './command.ts';
import type { Goal, Row } from './table.ts';

const ROUNDS = 15;

/** What a bundle takes to load, against a bare `node -e 0`, in turns: each ends at its inputs, which are not there. */
export function benchStarts(): { rows: Row[]; goals: Goal[] } {
  const bundles = readdirSync('dist').filter((name) => name.endsWith('.cjs') && name !== 'demo.cjs');
  const taken: Record<string, number[]> = {};
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const name of ['', ...bundles]) {
      taken[name] = [...(taken[name] ?? []), start(name)];
    }
  }
  const bare = median(taken[''] ?? []);
  const above = (name: string) => median(taken[name] ?? []) - bare;
  return {
    rows: bundles.map((name) => ({
      bundle: name,
      kB: (statSync(`dist/${name}`).size / 1000).toFixed(0),
      'node -e 0': `${bare.toFixed(0)} ms`,
      'above that': `${above(name).toFixed(0)} ms`,
    })),
    goals: bundles.map((name) => ({
      what: `start of ${name} above \`node -e 0\``,
      limit: 60,
      measured: above(name),
      unit: 'ms',
    })),
  };
}

/** Milliseconds. Bundles are loaded by a line of code that ends the process before the action waits for its log to be read. */
function start(name: string): number {
  const load = name ? `process.exit = () => {}; require('./dist/${name}'); process.reallyExit(0)` : '0';
  const startedAt = performance.now();
  spawnSync(process.execPath, ['-e', load], {
    stdio: 'ignore',
    env: { PATH: process.env.PATH, FORGEJO_ACTIONS: 'true' },
  });
  return performance.now() - startedAt;
}

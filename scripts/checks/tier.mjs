import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { filesBelow, reachedFrom } from './imports.mjs';
import { run } from './run.mjs';

const LIMIT_SECONDS = { unit: 120, integration: 1800, e2e: 1800 };
const NEEDS_ROOT = ['test/support/accounts.ts', 'test/support/sshd.ts', 'test/support/lxd.ts'];

/** Runs one tier of tests in vitest; `filter` is part of a test's name or of a file's path. */
export async function runTier(tier, { filter, missing }) {
  const nothing = { passed: 0, skipped: 0, failures: [], leftOut: [] };
  if (missing.length > 0) return { ...nothing, leftOut: [`${tier}: not installed: ${missing.join(', ')}`] };
  const all = filesBelow(`test/${tier}`, '.test.ts');
  const byFile = filter ? all.filter((path) => path.includes(filter)) : [];
  const chosen = byFile.length > 0 ? byFile : all;
  const able = process.getuid?.() === 0 ? chosen : chosen.filter((path) => !needsRoot(path));
  const leftOut = able.length < chosen.length ? [`${tier}: ${chosen.length - able.length} files need root`] : [];
  if (able.length === 0) return { ...nothing, leftOut: leftOut.length > 0 ? leftOut : [`${tier}: no tests`] };
  const byName = filter !== undefined && byFile.length === 0;
  const answer = `.cache/test/${tier}.json`;
  const { code } = await run(
    'node_modules/.bin/vitest',
    ['run', '--project', tier, '--reporter=default', '--reporter=json', `--outputFile.json=${answer}`]
      .concat(byName ? ['-t', filter.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')] : [])
      .concat(able.length < all.length ? able : []),
    { limitSeconds: LIMIT_SECONDS[tier], show: true, env: { CI: '1' } },
  );
  const { passed, skipped, failures } = readAnswer(answer, tier);
  // Vitest ends red for more than failed tests: an unhandled error, a broken set-up, its limit.
  if (code !== 0 && failures.length === 0) failures.push(`${tier}: vitest ended with code ${code}`);
  if (byName && passed + failures.length === 0) failures.push(`${tier}: no test is named '${filter}'`);
  return { passed, skipped: byName ? 0 : skipped, failures, leftOut };
}

function needsRoot(path) {
  const reached = reachedFrom(path);
  return NEEDS_ROOT.some((support) => reached.has(support));
}

function readAnswer(path, tier) {
  if (!existsSync(path)) return { passed: 0, skipped: 0, failures: [] };
  const { numPassedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(readFileSync(path, 'utf8'));
  const failures = testResults.flatMap(({ name, status, assertionResults }) => {
    const failed = assertionResults.filter((test) => test.status === 'failed');
    const file = relative('.', name);
    if (failed.length > 0) return failed.map(({ fullName }) => `${file}: ${fullName}`);
    return status === 'failed' ? [`${file}: could not be run (${tier})`] : [];
  });
  return { passed: numPassedTests, skipped: numPendingTests + numTodoTests, failures };
}

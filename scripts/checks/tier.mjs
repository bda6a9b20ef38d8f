import { existsSync, readFileSync, rmSync } from 'node:fs';
import { relative } from 'node:path';
import { filesBelow, reachedFrom } from './imports.mjs';
import { run } from './run.mjs';

const LIMIT_SECONDS = { unit: 120, integration: 1800, e2e: 1800 };
/** More failed files than this are not bad luck. */
const MOST_FILES_AGAIN = 4;
const NEEDS_ROOT = ['test/support/accounts.ts', 'test/support/sshd.ts', 'test/support/lxd.ts'];

/** Runs one tier of tests in vitest; `filter` is part of a test's name or of a file's path. */
export async function runTier(tier, { filter, missing }) {
  const nothing = { passed: 0, skipped: 0, failures: [], unsteady: [], leftOut: [] };
  if (missing.length > 0) return { ...nothing, leftOut: [`${tier}: not installed: ${missing.join(', ')}`] };
  const all = filesBelow(`test/${tier}`, '.test.ts');
  const byFile = filter ? all.filter((path) => path.includes(filter)) : [];
  const chosen = byFile.length > 0 ? byFile : all;
  const able = process.getuid?.() === 0 ? chosen : chosen.filter((path) => !needsRoot(path));
  const leftOut = able.length < chosen.length ? [`${tier}: ${chosen.length - able.length} files need root`] : [];
  if (able.length === 0) return { ...nothing, leftOut: leftOut.length > 0 ? leftOut : [`${tier}: no tests`] };
  const byName = filter !== undefined && byFile.length === 0;
  const { code, answer } = await vitest(tier, {
    files: able.length < all.length ? able : [],
    words: byName ? ['-t', filter.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')] : [],
    limitSeconds: LIMIT_SECONDS[tier],
  });
  const { passed, skipped, failures } = answer;
  // Vitest ends red for more than failed tests: an unhandled error, a broken set-up, its limit.
  if (code !== 0 && failures.length === 0) failures.push({ file: tier, name: `vitest ended with code ${code}` });
  if (byName && passed + failures.length === 0) failures.push({ file: tier, name: `no test is named '${filter}'` });
  const second = filter === undefined ? await runAgain(tier, failures) : { unsteady: [], failures };
  return {
    passed: passed + second.unsteady.length,
    skipped: byName ? 0 : skipped,
    failures: second.failures.map(title),
    unsteady: second.unsteady.map(title),
    leftOut,
  };
}

/**
 * Runs the files of a few failed tests once more, with nothing beside them. What passes then is told apart as unsteady: the
 * tests of real hosts share their machine with each other, and a wait that was too short there is no defect of a deploy.
 */
async function runAgain(tier, failures) {
  const files = [...new Set(failures.map(({ file }) => file))];
  const isPossible = tier !== 'unit' && files.length > 0 && files.length <= MOST_FILES_AGAIN && files.every(existsSync);
  if (!isPossible) return { unsteady: [], failures };
  console.log(`\nOnce more, alone: ${files.join(' ')}`);
  const words = ['--no-file-parallelism'];
  const { code, answer } = await vitest(tier, { files, words, limitSeconds: LIMIT_SECONDS[tier] / 2 });
  if (code !== 0 && answer.failures.length === 0) return { unsteady: [], failures };
  const failedAgain = new Set(answer.failures.map(title));
  const isNew = ({ file, name }) => !failures.some((one) => one.file === file && one.name === name);
  return {
    unsteady: failures.filter((failure) => !failedAgain.has(title(failure))),
    failures: [...failures.filter((failure) => failedAgain.has(title(failure))), ...answer.failures.filter(isNew)],
  };
}

function title({ file, name }) {
  return `${file}: ${name}`;
}

async function vitest(tier, { files, words, limitSeconds }) {
  const path = `.cache/test/${tier}.json`;
  rmSync(path, { force: true });
  const { code } = await run(
    'node_modules/.bin/vitest',
    [
      'run',
      '--project',
      tier,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${path}`,
      ...words,
      ...files,
    ],
    { limitSeconds, show: true, env: { CI: '1' } },
  );
  return { code, answer: readAnswer(path) };
}

function needsRoot(path) {
  const reached = reachedFrom(path);
  return NEEDS_ROOT.some((support) => reached.has(support));
}

function readAnswer(path) {
  if (!existsSync(path)) return { passed: 0, skipped: 0, failures: [] };
  const { numPassedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(readFileSync(path, 'utf8'));
  const failures = testResults.flatMap(({ name, status, assertionResults }) => {
    const failed = assertionResults.filter((test) => test.status === 'failed');
    const file = relative('.', name);
    if (failed.length > 0) return failed.map(({ fullName }) => ({ file, name: fullName }));
    return status === 'failed' ? [{ file, name: 'could not be run' }] : [];
  });
  return { passed: numPassedTests, skipped: numPendingTests + numTodoTests, failures };
}

import { rmSync } from 'node:fs';
import { parseArguments, USAGE } from './checks/arguments.mjs';
import { installNodeModules, installPackages, mayInstall, obstacle } from './checks/install.mjs';
import { runTier } from './checks/tier.mjs';

const CHECKS = ['types', 'style', 'shell', 'tables', 'bundles', 'commits', 'workflows'];
const ROOT = new URL('..', import.meta.url).pathname;

process.chdir(ROOT);
process.exitCode = await test(process.argv.slice(2));

/** `npm test`: installs what is missing where it may, runs checks and tiers, reports what failed and what was left out. */
async function test(words) {
  const asked = parseArguments(words);
  if (!asked) {
    console.error(USAGE);
    return 2;
  }
  await installNodeModules();
  const tally = { passed: 0, skipped: 0, failures: [], unsteady: [], leftOut: [] };
  const possible = [];
  for (const tier of asked.tiers) {
    const reason = await obstacle(tier);
    if (reason) tally.leftOut.push(`${tier}: ${reason}`);
    else possible.push(tier);
  }
  const missing = await installPackages(possible, { install: mayInstall(asked) });
  rmSync('.cache/test', { recursive: true, force: true });
  for (const tier of possible) {
    if (tier === 'checks') await runChecks(tally, missing.checks);
    else add(tally, await runTier(tier, { filter: asked.filter, missing: missing[tier] }));
  }
  report(tally);
  return tally.failures.length > 0 ? 1 : 0;
}

async function runChecks(tally, missing) {
  for (const name of CHECKS) {
    if (name === 'shell' && missing.length > 0) {
      tally.leftOut.push(`checks: shell needs ${missing.join(', ')}`);
      continue;
    }
    const startedAt = Date.now();
    const { check } = await import(`./checks/${name}.mjs`);
    const { problem, leftOut } = resultOf(await check());
    if (leftOut) tally.leftOut.push(`checks: ${name}: ${leftOut}`);
    if (leftOut && !problem) continue;
    console.log(`${problem ? 'FAILED' : 'ok    '} ${name} (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`);
    if (problem) console.log(problem);
    if (problem) tally.failures.push(`checks: ${name}`);
    else tally.passed += 1;
  }
}

/** A check gives its problem, or an object with the problem and the reason why it, or a part of it, was left out. */
function resultOf(answer) {
  return typeof answer === 'object' ? answer : { problem: answer };
}

function add(tally, { passed, skipped, failures, unsteady, leftOut }) {
  tally.passed += passed;
  tally.skipped += skipped;
  tally.failures.push(...failures);
  tally.unsteady.push(...unsteady);
  tally.leftOut.push(...leftOut);
}

function report({ passed, skipped, failures, unsteady, leftOut }) {
  if (unsteady.length > 0) {
    console.log(['', 'Failed at first, passed alone:', ...unsteady.map((name) => `  ${name}`)].join('\n'));
  }
  if (failures.length > 0) console.log(['', 'Failed:', ...failures.map((name) => `  ${name}`)].join('\n'));
  if (leftOut.length > 0) console.log(['', 'Left out:', ...leftOut.map((reason) => `  ${reason}`)].join('\n'));
  console.log(`\n${passed} passed, ${failures.length} failed, ${skipped} skipped`);
}

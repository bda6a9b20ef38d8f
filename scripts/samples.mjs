import { readFileSync, writeFileSync } from 'node:fs';
import { buildAll } from './build.mjs';
import { run } from './checks/run.mjs';

/*
 * The logs that the README shows, taken from a run of the demo: a deploy that succeeds, and one that is rolled back.
 * `node scripts/samples.mjs` writes them anew after a change of the wording.
 */
const README = 'README.md';
const BUILT = '.cache/samples';
const LIMIT_SECONDS = 120;

/** The README with the logs of both deploys of the demo between their markers. */
export function withSamples(readme, demo) {
  const [, green = '', red = ''] = demo.split(/^=== \d\. .*$/m).map((text) => text.split(/^-> the step/m)[0] ?? '');
  return Object.entries({ green: shortened(green), red: lastPart(shortened(red)) }).reduce((text, [name, log]) => {
    const [begin, end] = [`<!-- log:${name}:begin -->`, `<!-- log:${name}:end -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`the README lacks the lines ${begin} and ${end}`);
    if (log === '') throw new Error(`the demo printed no log of the ${name} deploy`);
    return `${text.slice(0, from)}${begin}\n\`\`\`text\n${log}\n\`\`\`\n${text.slice(to)}`;
  }, readme);
}

/** As a user would see it: with the names of a usual target, without what concerns only the demo's runner and link. */
function shortened(log) {
  return log
    .split('\n')
    .filter((line) => !/RUNNER_TOOL_CACHE|^\[.*\] upload |^ {2}last deploy/.test(line))
    .join('\n')
    .replaceAll(/\/tmp\/deploy-demo-\w+\/bin\/service/g, '/opt/app/bin/server')
    .replaceAll(/\/tmp\/deploy-demo-\w+/g, '/opt/app')
    .replaceAll(/\S+@127\.0\.0\.1:\d+/g, 'app@web-1:22')
    .replaceAll(/localhost:\d+/g, 'localhost:8080')
    .replaceAll(/\broot(:root)?\b/g, (_, group) => (group ? 'app:app' : 'app'))
    .trim();
}

/** From the stop on: what comes before is the same as in a deploy that succeeds. */
function lastPart(log) {
  const lines = log.split('\n');
  return [
    '…',
    ...lines.slice(
      Math.max(
        0,
        lines.findIndex((line) => /^\[.*\] stop /.test(line)),
      ),
    ),
  ].join('\n');
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  process.chdir(new URL('..', import.meta.url).pathname);
  await buildAll(BUILT);
  const { code, output } = await run(process.execPath, [`${BUILT}/demo.cjs`], { limitSeconds: LIMIT_SECONDS });
  if (code === 0) writeFileSync(README, withSamples(readFileSync(README, 'utf8'), output));
  else console.error(output);
  process.exitCode = code;
}

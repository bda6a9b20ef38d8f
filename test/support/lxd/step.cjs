// Runs one bundle where the runner is, as its host mode does; reads {bundle, env} as JSON from standard input. The log
// goes to standard output; the last line there is the step's end as JSON.
const { spawn } = require('node:child_process');
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');

const { bundle, env } = JSON.parse(readFileSync(0, 'utf8'));
const folder = mkdtempSync('/tmp/step-');
const files = { GITHUB_OUTPUT: 'output', GITHUB_STATE: 'state', GITHUB_STEP_SUMMARY: 'summary' };
for (const [variable, name] of Object.entries(files)) {
  writeFileSync(`${folder}/${name}`, '');
  env[variable] = `${folder}/${name}`;
}
const child = spawn(process.execPath, [bundle], {
  cwd: folder,
  detached: true,
  stdio: ['ignore', 'inherit', 'inherit'],
  env: { PATH: process.env.PATH, HOME: process.env.HOME, RUNNER_TEMP: folder, ...env },
});
child.on('exit', (code) => {
  const [output, state, summary] = Object.values(files).map((name) => readFileSync(`${folder}/${name}`, 'utf8'));
  rmSync(folder, { recursive: true, force: true });
  process.stdout.write(`\n${JSON.stringify({ code, output, state, summary })}\n`);
});

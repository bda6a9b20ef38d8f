import { mkdirSync, writeFileSync } from 'node:fs';
import { shSource } from '../sh-program.mjs';
import { filesBelow, importsOf } from './imports.mjs';
import { run } from './run.mjs';

// Functions return values in variables of which no program uses all, and take arguments that not every program gives
// (2034, 2119, 2120); programs for perl and other shells stand in single quotes (1003, 2016); `a && b || c` means
// that c follows when either fails (2015).
const EXCLUDED = 'SC2034,SC2119,SC2120,SC1003,SC2016,SC2015';

/** Every program for a target passes shellcheck as it is sent, its shared functions inlined; gives the findings. */
export async function check() {
  const programs = shPrograms();
  const answers = await Promise.all(programs.map(findings));
  const problems = answers.filter((answer) => answer !== '');
  return problems.length === 0 ? undefined : problems.join('\n');
}

/** The `.sh` files that TypeScript imports: whole programs. */
export function shPrograms() {
  const sources = ['actions', 'lib', 'scripts'].flatMap((folder) => filesBelow(folder, '.ts'));
  return [...new Set(sources.flatMap(importsOf).filter((name) => name.endsWith('.sh')))].sort();
}

async function findings(path) {
  const text = shSource(path);
  // What program.ts assigns in front, and the line that the bootstrap command has read.
  const values = ['line', ...new Set(text.match(/\bin_\w+/g))].map((name) => `${name}=$1\n`).join('');
  mkdirSync('.cache/shell', { recursive: true });
  const inlined = `.cache/shell/${path.replaceAll('/', '_')}`;
  writeFileSync(inlined, `#!/bin/sh\n${values}${text}`);
  const { output } = await run('shellcheck', ['-s', 'dash', '-e', EXCLUDED, inlined], { limitSeconds: 180 });
  return output;
}

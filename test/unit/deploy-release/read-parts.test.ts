import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readParts } from '../../../actions/deploy-release/parts/read-parts.ts';

const TEXT = '- config: a\n  to: /etc/a\n';
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(`${tmpdir()}/fdt-parts-`);
  writeFileSync(`${folder}/release.yml`, TEXT);
  writeFileSync(`${folder}/wrong.yml`, `${TEXT}  modee: 1\n- b`);
  writeFileSync(`${folder}/long.yml`, `#${'x'.repeat(200_000)}`);
  execFileSync('mkfifo', [`${folder}/pipe.yml`]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a file of the repository is read like the input', async () => {
  expect(await readParts({ partsFile: `${folder}/release.yml` })).toEqual(await readParts({ parts: TEXT }));
});

test.each([
  ['release.yml', TEXT, "Input 'parts': goes without parts-file."],
  [undefined, undefined, "Input 'parts': required, unless parts-file."],
  ['gone.yml', undefined, "Input 'parts-file': FOLDER/gone.yml does not exist on the runner."],
  ['.', undefined, "Input 'parts-file': FOLDER/. is not a regular file."],
  ['pipe.yml', undefined, "Input 'parts-file': FOLDER/pipe.yml is not a regular file."],
  ['long.yml', undefined, "Input 'parts-file': FOLDER/long.yml is longer than 128 KiB."],
  ['wrong.yml', undefined, 'FOLDER/wrong.yml, line 3: a config part has no key `modee`; is `mode` meant.'],
  ['wrong.yml', undefined, 'FOLDER/wrong.yml, line 4: expected a part with one of the keys'],
  [undefined, '- b', "Input 'parts', line 1: expected a part with one of the keys"],
])('parts-file %s with parts %j is refused: %s', async (file, parts, message) => {
  const given = { parts, partsFile: file && `${folder}/${file}` };
  await expect(readParts(given)).rejects.toThrow(message.replace('FOLDER', folder));
});

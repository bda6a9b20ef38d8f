import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildActions } from '../../../scripts/build.mjs';
import { licencesText } from '../../../scripts/licences.mjs';

const NOTICE = 'Copyright 2011 A Contributor';
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(`${tmpdir()}/fdt-licences-`);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('the licences of the bundles name every package in them, with its text', async () => {
  const { metafile } = await buildActions('.cache/never-written', { write: false, metafile: true });
  const text = await licencesText([metafile]);
  const bundled = Object.keys(metafile?.inputs ?? {}).flatMap(
    (path) => /^(?:.*\/)?node_modules\/((@.+?\/)?.+?)\//.exec(path)?.[1] ?? [],
  );
  expect(bundled).toContain('ssh2');
  for (const name of new Set(bundled))
    expect(text).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+\\nLicence: \\S`, 'm'));
  expect(text).not.toMatch(/^(make-dir|undici|assemblyscript) /m);
}, 60_000);

test('a package without a licence text stops the build', async () => {
  const metafile = bundleOf(
    packageWith({ 'package.json': JSON.stringify({ name: 'bare', version: '1.2.3', license: 'MIT' }) }),
  );
  await expect(licencesText([metafile])).rejects.toThrow('bare 1.2.3 (MIT) is in a bundle and ships no licence text');
});

test('licence, notice file and the notices in the source files are all kept', async () => {
  const metafile = bundleOf(
    packageWith({
      'package.json': JSON.stringify({ name: 'kept', version: '1.0.0', licenses: [{ type: 'MIT' }] }),
      'LICENSE.txt': 'Do as you like.\r\n',
      NOTICE: 'With thanks to many.',
      'index.js': `// ${NOTICE}\n// All rights reserved.\nconst text = 1;\n`,
    }),
  );
  const text = await licencesText([metafile, metafile]);
  expect(text).toContain('kept 1.0.0\nLicence: MIT\nIn: a.cjs\n\nDo as you like.\n\nWith thanks to many.\n');
  expect(text).toContain(`Notices in its files:\n\n${NOTICE}\nAll rights reserved.\n`);
  expect(text.match(/^kept /gm)).toHaveLength(1);
});

test('two versions of one package are two entries', async () => {
  const versions = ['1.0.0', '2.0.0'].map((version, at) =>
    packageWith(
      { 'package.json': JSON.stringify({ name: 'twice', version, license: 'MIT' }), LICENSE: 'Yes.' },
      `${at}/`,
    ),
  );
  const text = await licencesText([bundleOf(...versions)]);
  expect(text.match(/^twice .*/gm)).toEqual(['twice 1.0.0', 'twice 2.0.0']);
});

/** A package in a node_modules of its own; gives the path of its file. */
function packageWith(files: Record<string, string>, above = ''): string {
  const home = `${folder}/${above}node_modules/some`;
  mkdirSync(home, { recursive: true });
  for (const [name, text] of Object.entries({ 'index.js': 'text', ...files })) writeFileSync(`${home}/${name}`, text);
  return `${home}/index.js`;
}

function bundleOf(...inputs: string[]) {
  return {
    outputs: { 'dist/a.cjs': { inputs: Object.fromEntries(inputs.map((path) => [path, { bytesInOutput: 1 }])) } },
  };
}

import { expect, test } from 'vitest';
import { buildActions } from '../../../scripts/build.mjs';

/** Libraries and parts of them that some dependency asks for and no action uses. */
const UNUSED =
  /undici|@actions\/http-client\/|semver|make-dir|sb-scandir|ssh2\/lib\/(http-agents|server|keygen|protocol\/SFTP)/;

test('no bundle has unused code, because every start would read it', async () => {
  const { metafile } = await buildActions('.cache/never-written', { write: false, metafile: true });
  const outputs = Object.entries(metafile?.outputs ?? {});
  expect(outputs.map(([path]) => path.replace(/.*\//, '')).sort()).toEqual([
    'deploy-binary.cjs',
    'deploy-release.cjs',
    'run-workflow.cjs',
    'submodule-bump.cjs',
    'verify-deploy.cjs',
  ]);
  for (const [path, { inputs, imports }] of outputs) {
    expect(
      Object.keys(inputs).filter((name) => !name.startsWith('unused:') && UNUSED.test(name)),
      path,
    ).toEqual([]);
    expect(imports.map((found) => found.path).filter((name) => /^(node:)?(https?|tls|http2)$/.test(name))).toEqual([]);
  }
}, 60_000);

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { runWorkflow } from '../support/act.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
/** It installs the packages and runs all checks and unit tests, on a machine that may be busy. */
const LIMIT_MS = 400_000;
const folder = mkdtempSync('/tmp/fdt-release-');
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function git(...words: string[]): string {
  const names = ['-c', 'user.name=a', '-c', 'user.email=a@b.example'];
  return execFileSync('git', ['-C', folder, ...names, ...words], { encoding: 'utf8', stdio: 'pipe' }).trim();
}

test(
  'a tag checks dist/, publishes the notes of its section with the digests, and moves the major tag',
  async () => {
    const posted: { path: string | undefined; token: string | undefined; body: string }[] = [];
    const forge = createServer(async (request, response) => {
      const blocks: Buffer[] = [];
      for await (const block of request) blocks.push(block as Buffer);
      posted.push({ path: request.url, token: request.headers.authorization, body: Buffer.concat(blocks).toString() });
      response.writeHead(201).end('{}');
    });
    await new Promise<void>((listening) => forge.listen(0, '127.0.0.1', listening));
    const { port } = forge.address() as { port: number };
    git('clone', '-q', '--bare', ROOT, 'origin.git');
    git('clone', '-q', `${folder}/origin.git`, 'work');
    edit(
      'CHANGELOG.md',
      /^## .*$/m,
      '## [Unreleased]\n\n## [9.8.7] - 2030-01-01\n\n### Added\n\n- Flies\n\n## [9.8.6] - 2029-01-01',
    );
    for (const name of ['package.json', 'package-lock.json']) edit(name, /"version": ".*"/, '"version": "9.8.7"');
    git('-C', 'work', 'commit', '-q', '-am', 'release: v9.8.7');
    git('-C', 'work', 'tag', 'v9.8.7');
    const { code, log } = await runWorkflow(`${folder}/work/.forgejo/workflows/release.yml`, {
      ref: 'refs/tags/v9.8.7',
      repository: `${folder}/work`,
      secrets: { GITHUB_TOKEN: 'token-of-the-job' },
      env: {
        GITHUB_API_URL: `http://127.0.0.1:${port}/api/v1`,
        GITHUB_REPOSITORY: 'team/toolkit',
        // Installing them anew takes a minute on a busy machine, and is not what this test is about.
        LINTERS_FOLDER: `${ROOT}.cache/linters`,
      },
      limitMs: LIMIT_MS,
    });
    forge.close();
    expect(code, log).toBe(0);
    expect(posted).toHaveLength(1);
    expect(posted[0]).toMatchObject({ path: '/api/v1/repos/team/toolkit/releases', token: 'token token-of-the-job' });
    const { body, ...named } = JSON.parse(posted[0]?.body ?? '');
    expect(named).toEqual({ tag_name: 'v9.8.7', name: 'v9.8.7' });
    expect(body).toMatch(/^### Added\n\n- Flies\n\n###/);
    expect(body).toContain(`@${git('-C', 'work', 'rev-parse', 'HEAD')} # v9.8.7`);
    const digest = createHash('sha256')
      .update(readFileSync(`${folder}/work/dist/deploy-binary.cjs`))
      .digest('hex');
    expect(body).toContain(`| dist/deploy-binary.cjs | \`${digest}\` |`);
    expect(git('--git-dir', 'origin.git', 'rev-parse', 'v9')).toBe(git('-C', 'work', 'rev-parse', 'v9.8.7^{commit}'));
  },
  LIMIT_MS + 20_000,
);

function edit(name: string, part: RegExp, text: string): void {
  const path = `${folder}/work/${name}`;
  writeFileSync(path, readFileSync(path, 'utf8').replace(part, text));
}

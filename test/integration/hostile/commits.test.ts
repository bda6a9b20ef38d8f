import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { GitServer } from '../../support/git-server.ts';
import {
  COMMANDS,
  canaryOf,
  entry,
  expectGreen,
  expectRed,
  quoted,
  rootWith,
} from '../../support/hostile-repository.ts';
import { inTurn } from '../../support/platforms.ts';

describe('a path or a name', () => {
  it.each(
    inTurn([
      '..',
      '../x',
      '.git/x',
      '.GIT/x',
      'git~1/x',
      'a/./b',
      'a\n::set-env name=A::b',
      'a\u001b[2Jb',
      'x\u2028::add-path::/x',
    ]),
  )('that git checks out nowhere is refused, on %s: %j', async (platform, path) => {
    await using server = await rootWith(entry({ path }), []);
    await expectRed(server, { platform }, 'its path ');
  });

  it.each(
    inTurn([
      ...COMMANDS,
      '-x',
      '--upload-pack=x',
      '[skip ci]',
      '@all',
      '#1',
      'Submodule-To: x',
      'a\u202eb',
      'x'.repeat(3000),
      "a'b",
      'a"b',
    ]),
  )('that means something elsewhere does nothing, on %s: %j', async (platform, path) => {
    // A slash makes folders of it, which is another test.
    const plain = path.replaceAll('/', '_');
    await using server = await rootWith(entry({ path: plain, name: `n ${plain}` }), [plain]);
    const message = await expectGreen(server, {
      platform,
      inputs: { submodule: plain, message: '{path}\n\n{name} by {log}' },
    });
    expect(message).not.toMatch(/^Submodule-To: x/m);
  });
});

describe('a commit of the submodule', () => {
  const SUBJECTS = [
    ...COMMANDS,
    ...['[skip ci] x', '[ci skip]', '[no ci]', '[skip actions]', '***NO_CI***', 'skip-checks: true', '[skip ci'],
    ...['Closes #1', 'fixes team/gb#2 and !3 and GH-4', 'resolves https://git.example/team/gb/issues/5', '@all @ada'],
    ...[
      'a\u202eb\u2066c',
      'a\u0007\u001b]0;x\u0007\u009b2J',
      '\u2400 \u0000 ::add-path::/x',
      'a\r::add-path::/x',
      '\u2028::add-path::/x',
    ],
    ...['Submodule-To: evil', 'Signed-off-by: a <a@b.example>', '-- \n--- a', 'x'.repeat(100_000)],
  ];

  it.each(inTurn(SUBJECTS))('does nothing by its subject, on %s: %j', async (platform, subject) => {
    await using server = await rootWith(entry({}));
    commitAs(server, { subject });
    for (const message of [undefined, '{log}']) {
      const given = message === undefined ? { platform } : { platform, inputs: { message } };
      const written = await expectGreen(server, given);
      expect(written.match(/^Submodule-To: /gm)).toHaveLength(1);
      expect(written).not.toMatch(/^Signed-off-by:/m);
      commitAs(server, { subject });
    }
  });

  it.each(inTurn(['a\n::add-path::/x', '::set-env name=A::b', '', 'no address', 'a <b@c> <d@e>', 'x'.repeat(20_000)]))(
    'does nothing by its author, on %s: %j',
    async (platform, author) => {
      await using server = await rootWith(entry({}));
      const tree = server.git('team/botserver', 'rev-parse', 'main^{tree}');
      const parent = server.git('team/botserver', 'rev-parse', 'main');
      const now = Math.floor(Date.now() / 1000);
      const text = `tree ${tree}\nparent ${parent}\nauthor ${author} ${now} +0000\ncommitter ${author} ${now} +0000\n\nwork\n`;
      const commit = execFileSync('git', ['hash-object', '-t', 'commit', '-w', '--literally', '--stdin'], {
        cwd: `${server.folder}/team/botserver.git`,
        input: text,
        encoding: 'utf8',
      }).trim();
      server.git('team/botserver', 'update-ref', 'refs/heads/main', commit);
      await expectGreen(server, { platform });
      expect(server.git('team/gb', 'log', '-1', '--format=%an|%cn')).toBe('ada|ada');
    },
  );

  /** By fast-import, which takes any byte. */
  function commitAs(server: GitServer, { subject }: { subject: string }): void {
    const now = Math.floor(Date.now() / 1000);
    const length = Buffer.byteLength(subject);
    server.import(
      'team/botserver',
      `commit refs/heads/main\ncommitter a <a@b.example> ${now} +0000\ndata ${length}\n${subject}\nfrom refs/heads/main^0\n\n`,
    );
  }
});

describe('a branch or tag', () => {
  it.each(['--upload-pack=touch CANARY', '-x', '-', '../x', 'a..b', 'x.lock', 'a b', 'x\n::add-path::/x'])(
    'in .gitmodules that is none is refused: %j',
    async (branch) => {
      await using server = await rootWith((one) => {
        return entry({ more: `\tbranch = ${quoted(branch.replace('CANARY', canaryOf(one)))}\n` });
      });
      await expectRed(server, {}, 'its branch is not a valid name');
    },
  );

  it('whose name is an option of git is only a name, of the submodule and of the root', async () => {
    await using server = await rootWith(entry({}));
    const name = '--upload-pack=touch$(IFS)canary';
    for (const repository of ['team/botserver', 'team/gb']) {
      server.git(repository, 'update-ref', `refs/heads/${name}`, 'refs/heads/main');
      server.git(repository, 'update-ref', `refs/tags/-x`, 'refs/heads/main');
      server.git(repository, 'symbolic-ref', 'HEAD', `refs/heads/${name}`);
    }
    const commit = server.git('team/botserver', 'rev-parse', 'main');
    await expectGreen(server, { inputs: { commit } }, name);
    await expectGreen(server, { inputs: { commit, branch: 'main' } });
  });
});

describe('a server', () => {
  it.each(inTurn([...COMMANDS, '\r::add-path::/x', '\u001b[2J::add-path::/x']))(
    'does nothing by the words of its hook, on %s: %j',
    async (platform, words) => {
      await using server = await rootWith(entry({}));
      const hook = `${server.folder}/team/gb.git/hooks/pre-receive`;
      writeFileSync(`${server.folder}/words`, `x\n${words}\n${words}\n`);
      writeFileSync(hook, `#!/bin/sh\ncat ${server.folder}/words >&2\nexit 1\n`, { mode: 0o755 });
      await expectRed(server, { platform }, 'a hook of the server declined it.');
    },
  );
});

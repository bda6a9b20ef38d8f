import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { GitServer } from '../../support/git-server.ts';
import { bump, canaryOf, entry, expectGreen, expectRed, rootWith } from '../../support/hostile-repository.ts';
import { inTurn } from '../../support/platforms.ts';

type HostileUrl = [url: (server: GitServer) => string, why: string];

const DASH = 'starts with a dash, or its host does';
const HELPER = 'names a transport helper, which runs a command';
const URLS: HostileUrl[] = [
  [(server) => `--upload-pack=touch ${canaryOf(server)}`, DASH],
  // With a sentence of git's own in it, which says that there is no such branch.
  [(server) => `--upload-pack=touch ${canaryOf(server)} #Remote branch x not found in upstream`, DASH],
  [(server) => `-utouch ${canaryOf(server)}`, DASH],
  [(server) => `-oProxyCommand=touch ${canaryOf(server)}:x`, DASH],
  [(server) => `ssh://-oProxyCommand=touch%20${canaryOf(server)}/x`, DASH],
  [(server) => `git@-oProxyCommand=touch ${canaryOf(server)}:x`, DASH],
  [(server) => `ext::sh -c touch% ${canaryOf(server)}`, HELPER],
  [() => 'fd::3', HELPER],
  [() => `${'../'.repeat(12)}x.git`, 'climbs out of'],
  [() => 'https://git.example/x\n::set-env name=A::b', 'has control characters in it'],
  [() => 'https://user:password@git.example/x', 'has a password in it'],
  [() => 'git://127.0.0.1/x.git', 'has an unknown form'],
  [() => `https://git.example/${'x'.repeat(5000)}`, 'is longer than 4096 characters'],
];

describe('a URL in .gitmodules', () => {
  it.each(inTurn(URLS))(
    'that is hostile runs nothing, and is refused by its form, on %s (%#)',
    async (platform, [url, why]) => {
      await using server = await rootWith((one) => entry({ url: url(one) }));
      await expectRed(server, { platform }, why);
      // From a root on the runner's own disk git would start programs itself.
      await expectRed(server, { platform, inputs: { repository: `file://${server.folder}/team/gb.git` } }, why);
    },
  );

  it('that is hostile keeps its pointer in a sweep, which moves the others', async () => {
    const paths = URLS.map((_, index) => `u${index}`);
    await using server = await rootWith(
      (one) =>
        [entry({}), ...URLS.map(([url], index) => entry({ name: `u${index}`, path: `u${index}`, url: url(one) }))].join(
          '',
        ),
      ['botserver', ...paths],
    );
    const pointers = paths.map((path) => server.pointer('gb', path));
    const commit = server.git('team/botserver', 'rev-parse', 'main');
    const { code, log } = await bump(server, { inputs: { sweep: true } });
    expect(code, log).toBe(0);
    expect(server.pointer('gb', 'botserver')).toBe(commit);
    expect(paths.map((path) => server.pointer('gb', path))).toEqual(pointers);
    for (const [index, [, why]] of URLS.entries()) {
      const line = log.split('\n').find((one) => one.startsWith(`u${index}: skipped: `));
      expect(line).toContain(why);
    }
  });

  it.each(['file://', ''])('reaches no file of the runner from a root elsewhere (%s/…)', async (scheme) => {
    await using server = await rootWith((one) => entry({ url: `${scheme}${one.folder}/team/botserver.git` }));
    await expectRed(server, {}, 'is a local path, but');
  });

  it.each(['../$(touch CANARY).git', '../`touch CANARY`.git', "../';touch CANARY;'.git", '../x.git;touch CANARY'])(
    'with a shell command in its path runs nothing: %s',
    async (written) => {
      await using server = await rootWith((one) => entry({ url: written.replace('CANARY', canaryOf(one)) }));
      await expectRed(server, {}, 'its URL has blanks in it.');
      const why = 'there is no such repository, or these credentials may not see it.';
      await expectRed(server, { inputs: { repository: `${server.folder}/team/gb.git` } }, why);
    },
  );
});

describe('.gitmodules', () => {
  it.each(['include', 'includeIf "gitdir:/"'])(
    'makes git read no other file of the runner by [%s]',
    async (section) => {
      for (const kind of ['fifo', 'file']) {
        await using server = await rootWith((one) => `[${section}]\n\tpath = ${one.folder}/other\n${entry({})}`);
        if (kind === 'fifo') execFileSync('mkfifo', [`${server.folder}/other`]);
        else writeFileSync(`${server.folder}/other`, entry({ name: 'private-name', path: 'private-path' }));
        const { log } = await expectRed(server, {}, 'includes another file, which git itself ignores there');
        expect(log).not.toContain('private');
      }
    },
  );

  it('that is a symbolic link is not followed', async () => {
    await using server = await rootWith(entry({}));
    writeFileSync(`${server.folder}/other`, entry({}));
    const now = Math.floor(Date.now() / 1000);
    server.import(
      'team/gb',
      `commit refs/heads/main\ncommitter a <a@b.example> ${now} +0000\ndata 1\nx\nfrom refs/heads/main^0\nM 120000 inline .gitmodules\ndata ${server.folder.length + 6}\n${server.folder}/other\n`,
    );
    await expectRed(server, {}, '.gitmodules has no such entry; it has: none.');
  });

  it.each(
    inTurn([
      ['is cut off', '[submodule "botserver', 'is not a configuration that git can read'],
      [
        'has a name with a line end',
        '[submodule "a\n::set-env name=A::b"]\n',
        'is not a configuration that git can read',
      ],
      ['has NUL bytes', `${entry({})}# \u0000`, 'has NUL bytes in it'],
      ['is larger than any', `${entry({})}${'# x\n'.repeat(300_000)}`, 'at most 1048576 are read'],
      ['has no entry but a command', entry({ name: '::add-path::/x', path: '::add-path::/x' }), 'has no such entry'],
    ] as const).map(([platform, [what, text, why]]) => [platform, what, text, why] as const),
  )('on %s, that %s is refused', async (platform, _, text, why) => {
    await using server = await rootWith(text);
    await expectRed(server, { platform }, why);
  });

  it('with as many entries as fit is read', async () => {
    const others = Array.from({ length: 8000 }, (_, index) => entry({ name: `s${index}`, path: `p/${index}` }));
    await using server = await rootWith(`${entry({})}${others.join('')}`);
    await expectGreen(server);
  });
});

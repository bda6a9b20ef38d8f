import { rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Step, step } from '../../support/action.ts';
import { type GitServer, gitServer } from '../../support/git-server.ts';
import { proxy } from '../../support/proxy.ts';

const TOKEN = 'user-token-0123456789';

type Inputs = Record<string, string | number | boolean | undefined>;

/** A run of a submodule's pipeline that bumps the root `gb`. */
function bump(
  server: GitServer,
  submodule: string,
  inputs: Inputs = {},
  env: Record<string, string> = {},
): Promise<Step> {
  return step('submodule-bump', {
    inputs: { repository: 'team/gb', token: TOKEN, ...inputs },
    env: {
      GITHUB_SERVER_URL: server.url,
      GITHUB_REPOSITORY: `team/${submodule}`,
      GITHUB_SHA: server.git(`team/${submodule}`, 'rev-parse', 'main'),
      ...env,
    },
  });
}

function names(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `sub${index}`);
}

/** What git fast-import makes commits on main of; latin1 is the bytes themselves. Lines of files may follow. */
function commitStream(subjects: (string | Buffer)[]): string {
  const now = Math.floor(Date.now() / 1000);
  const commits = subjects.map((subject, index) => {
    const bytes = Buffer.from(subject);
    const parent = index === 0 ? 'from refs/heads/main^0\n' : '';
    return `commit refs/heads/main\ncommitter a <a@b.example> ${now} +0000\ndata ${bytes.length}\n${bytes.toString('latin1')}\n${parent}`;
  });
  return commits.join('');
}

/** Nothing but gitlinks may differ between two commits of the root. */
function otherPaths(server: GitServer, from: string, to: string): string[] {
  return server
    .git('team/gb', 'diff-tree', '-r', '--raw', from, to)
    .split('\n')
    .filter((line) => line !== '' && !/ 160000 /.test(line));
}

describe('one bump', () => {
  it('moves exactly the pointer, with the log of the submodule in the message', async () => {
    await using server = await gitServer();
    server.makeRoot('gb', ['botserver', 'botui']);
    server.token = TOKEN;
    const [before, old] = [server.git('team/gb', 'rev-parse', 'main'), server.pointer('gb', 'botserver')];
    server.commit('team/botserver', { subject: 'Answer faster' });
    const commit = server.commit('team/botserver', { subject: 'Speak TLS' });
    const { outputs, log, code } = await bump(server, 'botserver');
    expect(code, log).toBe(0);
    const root = server.git('team/gb', 'rev-parse', 'main');
    expect(outputs).toMatchObject({
      changed: 'true',
      result: 'pushed',
      'old-commit': old,
      'new-commit': commit,
      'root-commit': root,
      attempts: '1',
    });
    expect(server.pointer('gb', 'botserver')).toBe(commit);
    expect(otherPaths(server, before, root)).toEqual([]);
    expect(server.git('team/gb', 'log', '-1', '--format=%P|%an|%B')).toBe(
      `${before}|ada|Update submodule botserver: ${old.slice(0, 12)}..${commit.slice(0, 12)}\n\n- Speak TLS\n- Answer faster\n\nSubmodule-Path: botserver\nSubmodule-From: ${old}\nSubmodule-To: ${commit}`,
    );
    expect(log).toContain(`botserver: ${old.slice(0, 12)} -> ${commit.slice(0, 12)}, 2 commits`);
  });

  it('that is there already is green and changes nothing', async () => {
    await using server = await gitServer();
    server.makeRoot('gb', ['botserver']);
    const before = server.git('team/gb', 'rev-parse', 'main');
    expect((await bump(server, 'botserver')).outputs).toMatchObject({ changed: 'false', result: 'up-to-date' });
    expect(server.git('team/gb', 'rev-parse', 'main')).toBe(before);
  });

  it('of an older commit is green and superseded; a diverged one is red unless a rewind is allowed', async () => {
    await using server = await gitServer();
    server.makeRoot('gb', ['botserver']);
    const first = server.pointer('gb', 'botserver');
    const newer = server.commit('team/botserver');
    expect((await bump(server, 'botserver')).outputs.result).toBe('pushed');
    const late = await bump(server, 'botserver', { commit: first });
    expect(late.outputs).toMatchObject({ changed: 'false', result: 'superseded' });
    expect(late.log).toContain(
      `botserver: kept at ${newer.slice(0, 12)}, newer than ${first.slice(0, 12)} (superseded)`,
    );
    const side = server.commit('team/botserver', { branch: 'side', on: first });
    const red = await bump(server, 'botserver', { commit: 'side' });
    expect(red.code).toBe(1);
    expect(red.log).toContain(`why:    ${side} does not descend from ${newer}, which the root points to`);
    expect((await bump(server, 'botserver', { commit: 'side', 'allow-rewind': true })).outputs.result).toBe('pushed');
    expect(server.pointer('gb', 'botserver')).toBe(side);
  });

  it('moves to an older commit when a rewind is allowed', async () => {
    await using server = await gitServer();
    server.makeRoot('gb', ['botserver']);
    const first = server.pointer('gb', 'botserver');
    const newer = server.commit('team/botserver');
    await bump(server, 'botserver');
    const { outputs, log } = await bump(server, 'botserver', { commit: first, 'allow-rewind': true });
    expect(outputs, log).toMatchObject({ result: 'pushed', 'old-commit': newer, 'new-commit': first });
    expect(server.pointer('gb', 'botserver')).toBe(first);
  });

  it('away from a commit that was never pushed needs a rewind, and counts no commits', async () => {
    await using server = await gitServer();
    server.makeRoot('gb', ['botserver']);
    const modules = server.git('team/gb', 'show', 'main:.gitmodules');
    server.commit('team/gb', { files: { '.gitmodules': modules, botserver: `gitlink ${'1'.repeat(40)}` } });
    const refused = await bump(server, 'botserver');
    expect(refused.log).toContain(
      `the root points to ${'1'.repeat(40)}, which is not in the history of any branch or tag there`,
    );
    const { outputs, log } = await bump(server, 'botserver', {
      'allow-rewind': true,
      message: '{count} commits\n\n{log}',
    });
    expect(outputs.result, log).toBe('pushed');
    expect(server.git('team/gb', 'log', '-1', '--format=%B')).toMatch(/^0 commits\n\nSubmodule-Path: /);
  });

  it('to a commit that no branch has is refused', async () => {
    await using server = await gitServer();
    server.makeRoot('gb', ['botserver']);
    const orphan = server.commit('team/botserver', { branch: 'gone' });
    server.git('team/botserver', 'update-ref', '-d', 'refs/heads/gone');
    const before = server.git('team/gb', 'rev-parse', 'main');
    const { code, log } = await bump(server, 'botserver', { commit: orphan });
    expect(code).toBe(1);
    expect(log).toContain(
      `why:    ${orphan} is not in the history of any branch or tag there: a clone of the root would not get it.`,
    );
    expect(server.git('team/gb', 'rev-parse', 'main')).toBe(before);
  });

  it('finds a commit far behind the tip, an annotated tag, and a branch named like a tag', async () => {
    await using server = await gitServer();
    server.makeRoot('gb', ['botserver']);
    const wanted = server.commit('team/botserver');
    server.import('team/botserver', commitStream(names(60)));
    expect((await bump(server, 'botserver', { commit: wanted })).outputs.result).toBe('pushed');
    expect(server.pointer('gb', 'botserver')).toBe(wanted);
    server.git('team/botserver', '-c', 'user.name=a', '-c', 'user.email=a@b', 'tag', '-a', '-m', 'x', 'v1', 'main~10');
    expect((await bump(server, 'botserver', { commit: 'v1' })).outputs.result).toBe('pushed');
    expect(server.pointer('gb', 'botserver')).toBe(server.git('team/botserver', 'rev-parse', 'v1^{commit}'));
    server.git('team/gb', 'tag', 'main', 'main~1');
    server.git('team/botserver', 'tag', 'main', 'main~30');
    expect((await bump(server, 'botserver', { commit: 'main' }, { GITHUB_SHA: '' })).outputs.result).toBe('pushed');
    expect(server.pointer('gb', 'botserver', 'refs/heads/main')).toBe(
      server.git('team/botserver', 'rev-parse', 'refs/heads/main'),
    );
  });

  it('points to the commit of an annotated tag that is given by its id', async () => {
    await using server = await gitServer();
    server.makeRoot('gb', ['botserver']);
    const tag = (name: string) =>
      server.git('team/botserver', '-c', 'user.name=a', '-c', 'user.email=a@b', 'tag', '-a', '-m', 'x', name, 'main');
    const [far, near] = ['far', 'near'].map((name) => {
      const commit = server.commit('team/botserver');
      tag(name);
      server.import('team/botserver', commitStream(names(name === 'far' ? 60 : 1)));
      return { commit, id: server.git('team/botserver', 'rev-parse', name) };
    });
    for (const { commit, id } of [far, near] as { commit: string; id: string }[]) {
      const { outputs, log } = await bump(server, 'botserver', { commit: id });
      expect(outputs, log).toMatchObject({ result: 'pushed', 'new-commit': commit });
      expect(server.pointer('gb', 'botserver')).toBe(commit);
    }
  });

  it('works three folders deep, with another name than its path, for a first gitlink, and with SHA-256', async () => {
    for (const format of ['sha1', 'sha256']) {
      await using server = await gitServer({ format });
      server.makeRoot('gb', ['botserver'], {
        paths: { botserver: 'apps/server/core' },
        modules:
          '[submodule "Bot Server"]\n\tpath = apps/server/core\n\turl = ../botserver.git\n[submodule "new"]\n\tpath = libs/new\n\turl = ../botserver.git\n',
      });
      const commit = server.commit('team/botserver');
      expect((await bump(server, 'botserver', { submodule: 'Bot Server' })).outputs.result).toBe('pushed');
      expect(server.pointer('gb', 'apps/server/core')).toBe(commit);
      const first = await bump(server, 'botserver', { submodule: 'libs/new' });
      expect(first.outputs, first.log).toMatchObject({ result: 'pushed', 'old-commit': '' });
      expect(server.pointer('gb', 'libs/new')).toBe(commit);
      expect(server.git('team/gb', 'show', 'main:src/main.c')).toBe('int x;');
    }
  });

  it.each([
    ['knows no filters', 'uploadpack.allowFilter', 'false'],
    ['forbids to leave out trees', 'uploadpackfilter.tree.allow', 'false'],
    ['forbids every filter', 'uploadpackfilter.allow', 'false'],
  ])('works with a server that %s', async (_, key, value) => {
    await using server = await gitServer();
    server.makeRoot('gb', ['botserver']);
    for (const name of ['gb', 'botserver']) server.git(`team/${name}`, 'config', key, value);
    server.commit('team/botserver', { files: { 'main.rs': 'x' } });
    const { outputs, log } = await bump(server, 'botserver');
    expect(outputs.result, log).toBe('pushed');
  });

  it('asks the root for its tip, for .gitmodules and for the push: seven requests, however wide the root is', async () => {
    await using server = await gitServer();
    server.makeRoot('gb', ['botserver'], { paths: { botserver: 'apps/server/core' } });
    await using between = await proxy(Number(new URL(server.url).port));
    const url = `http://127.0.0.1:${between.port}/team/gb.git`;
    const cost = async (submodule: string) => {
      server.commit('team/botserver', { files: { 'main.rs': 'x'.repeat(100_000) } });
      const [bytes, requests] = [between.bytesDown, server.requestsTo('team/gb')];
      const { outputs, log } = await bump(server, 'botserver', { repository: url, submodule, commit: 'main' });
      expect(outputs.result, log).toBe('pushed');
      return { bytes: between.bytesDown - bytes, requests: server.requestsTo('team/gb') - requests };
    };
    const narrow = await cost('apps/server/core');
    // Two folders on the way, two requests for each.
    expect(narrow.requests).toBe(7 + 4);
    const files = names(2000).map((name, index) => `M 100644 inline apps/${index % 50}/${name}\ndata 1\nx\n`);
    server.import('team/gb', `${commitStream(['wide'])}${files.join('')}`);
    const wide = await cost('apps/server/core');
    expect(wide.requests).toBe(7 + 4);
    expect(wide.bytes - narrow.bytes).toBeLessThan(5000);
  });

  it('reaches a root behind the proxy of the runner', async () => {
    await using server = await gitServer();
    server.makeRoot('gb', ['botserver']);
    server.commit('team/botserver');
    const inputs = { repository: 'http://git.invalid/team/gb.git', submodule: 'botserver' };
    const { outputs, log } = await bump(server, 'botserver', inputs, { http_proxy: server.url });
    expect(outputs.result, log).toBe('pushed');
  });

  it('keeps names of the root that are not UTF-8', async () => {
    await using server = await gitServer();
    server.makeRoot('gb', ['botserver']);
    server.import('team/gb', `${commitStream(['old names'])}M 100644 inline "caf\\351"\ndata 1\nx\n`);
    server.commit('team/botserver');
    const { outputs, log } = await bump(server, 'botserver');
    expect(outputs.result, log).toBe('pushed');
    expect(server.git('team/gb', 'ls-tree', '--name-only', 'main')).toContain('"caf\\351"');
  });

  it('carries several, and with sweep all others, in one commit', async () => {
    await using server = await gitServer();
    server.makeRoot('gb', names(4));
    const tips = names(4).map((name) => server.commit(`team/${name}`));
    const several = await bump(server, 'sub0', { submodule: `sub0=${tips[0]}\nsub1=main` });
    expect(several.outputs.result).toBe('pushed');
    const swept = await bump(server, 'sub2', { sweep: true });
    expect(swept.outputs.result).toBe('pushed');
    expect(names(4).map((name) => server.pointer('gb', name))).toEqual(tips);
    expect(server.git('team/gb', 'rev-list', '--count', 'main')).toBe('3');
  });

  it('reports the requested submodule, whatever a sweep finds for the others', async () => {
    await using server = await gitServer();
    server.makeRoot('gb', names(3));
    const asked = server.pointer('gb', 'sub0');
    // The root is ahead of the branch of one, and behind that of another.
    const ahead = server.commit('team/sub1', { branch: 'side', on: server.pointer('gb', 'sub1') });
    expect((await bump(server, 'sub1', { commit: 'side' })).outputs.result).toBe('pushed');
    const nothing = await bump(server, 'sub0', { sweep: true });
    expect(nothing.outputs, nothing.log).toMatchObject({ result: 'up-to-date', 'new-commit': asked });
    const newest = server.commit('team/sub2');
    const swept = await bump(server, 'sub0', { sweep: true });
    expect(swept.outputs).toMatchObject({ result: 'pushed', 'old-commit': asked, 'new-commit': asked });
    expect(names(3).map((name) => server.pointer('gb', name))).toEqual([asked, ahead, newest]);
  });

  it('says which submodules a sweep leaves as they are, and why', async () => {
    await using server = await gitServer();
    server.makeRoot('gb', names(3));
    const commit = server.commit('team/sub0');
    const pointers = names(3).map((name) => server.pointer('gb', name));
    server.git('team/sub1', 'update-ref', '-d', 'refs/heads/main');
    server.commit('team/sub1', { subject: 'written anew' });
    rmSync(`${server.folder}/team/sub2.git`, { recursive: true });
    const { code, log } = await bump(server, 'sub0', { sweep: true });
    expect(code, log).toBe(0);
    expect(names(3).map((name) => server.pointer('gb', name))).toEqual([commit, ...pointers.slice(1)]);
    expect(log).toContain(`sub1: skipped: the root points to ${pointers[1]}, which is not in the history`);
    expect(log).toContain('sub2: skipped: there is no such repository, or these credentials may not see it.');
  });

  it('sweeps a submodule that follows the root along on the branch of the root', async () => {
    await using server = await gitServer();
    server.makeRoot('gb', names(2), {
      modules:
        '[submodule "sub0"]\n\tpath = sub0\n\turl = ../sub0.git\n[submodule "sub1"]\n\tpath = sub1\n\turl = ../sub1.git\n\tbranch = .\n',
    });
    server.git('team/gb', 'branch', 'release', 'main');
    const commit = server.commit('team/sub1', { branch: 'release', on: server.pointer('gb', 'sub1') });
    server.commit('team/sub1', { subject: 'on main' });
    const { code, log } = await bump(server, 'sub0', { branch: 'release', sweep: true });
    expect(code, log).toBe(0);
    expect(server.pointer('gb', 'sub1', 'release')).toBe(commit);
  });

  it('moves on from a commit that was squashed away, and says so', async () => {
    await using server = await gitServer();
    server.makeRoot('gb', ['botserver']);
    const base = server.pointer('gb', 'botserver');
    const side = server.commit('team/botserver', { branch: 'side', on: base, files: { a: '1\n' } });
    expect((await bump(server, 'botserver', { commit: 'side' })).outputs.result).toBe('pushed');
    const squashed = server.commit('team/botserver', { on: base, files: { a: '1\n' } });
    server.git('team/botserver', 'update-ref', '-d', 'refs/heads/side');
    const { outputs, log } = await bump(server, 'botserver');
    expect(outputs, log).toMatchObject({ result: 'pushed', 'old-commit': side, 'new-commit': squashed });
    expect(log).toContain(`${side.slice(0, 12)} is no longer on any branch`);
    const lost = server.commit('team/botserver', { branch: 'side', on: squashed, files: { b: '1\n' } });
    expect((await bump(server, 'botserver', { commit: 'side' })).outputs.result).toBe('pushed');
    server.git('team/botserver', 'update-ref', '-d', 'refs/heads/side');
    server.commit('team/botserver', { files: { c: '1\n' } });
    const red = await bump(server, 'botserver');
    expect(red.code, red.log).toBe(1);
    expect(red.log).toContain(`the root points to ${lost}, which is not in the history of any branch or tag there`);
  });

  it('leaves out of a sweep what `exclude` names, and refuses a name that no submodule has', async () => {
    await using server = await gitServer();
    server.makeRoot('gb', names(3));
    const kept = server.pointer('gb', 'sub1');
    const tips = names(3).map((name) => server.commit(`team/${name}`));
    const red = await bump(server, 'sub0', { sweep: true, exclude: 'sub9' });
    expect(red.code, red.log).toBe(1);
    expect(red.log).toContain('Excluding sub9 from the sweep');
    const { log } = await bump(server, 'sub0', { sweep: true, exclude: 'sub1' });
    expect(log).toContain('sub1: skipped: excluded.');
    expect(names(3).map((name) => server.pointer('gb', name))).toEqual([tips[0], kept, tips[2]]);
  });

  it('quotes hostile subjects so that they do nothing', async () => {
    await using server = await gitServer();
    server.makeRoot('gb', ['botserver']);
    const subjects = [
      '[skip ci] quick',
      'Closes #1 and team/gb#2',
      'thanks @all',
      'x'.repeat(1_000_000),
      'Submodule-To: evil',
      'a\u001b[2Jb',
      Buffer.from('no utf-8: \xff\xc3(', 'latin1'),
    ];
    server.import('team/botserver', Buffer.from(commitStream(subjects), 'latin1'));
    expect((await bump(server, 'botserver')).outputs.result).toBe('pushed');
    const message = server.git('team/gb', 'log', '-1', '--format=%B');
    expect(message).not.toMatch(/\[skip ci\]|#1|#2|@all|^Submodule-To: evil/m);
    expect(message).not.toContain('\u001b');
    expect(message).toContain('- no utf-8: ??(');
    expect(message.length).toBeLessThan(2000);
    expect(message.match(/^Submodule-To: /gm)).toHaveLength(1);
  });
});

describe('is refused, with nothing pushed:', () => {
  type Refused = [what: string, change: (server: GitServer) => Inputs, why: string];
  const REFUSED: Refused[] = [
    [
      'a path that is a file',
      (server) => {
        server.commit('team/gb', {
          files: {
            '.gitmodules': '[submodule "src"]\n\tpath = README.md\n\turl = ../botserver.git\n',
            'README.md': 'x',
          },
        });
        return { submodule: 'README.md' };
      },
      'at that path is a file, not a gitlink.',
    ],
    [
      'a path that is a folder',
      (server) => {
        server.commit('team/gb', {
          files: { '.gitmodules': '[submodule "src"]\n\tpath = src\n\turl = ../botserver.git\n', 'src/x': 'x' },
        });
        return { submodule: 'src' };
      },
      'at that path is a folder, not a gitlink.',
    ],
    ...['../p', '.git/p', 'p/'].map(
      (path): Refused => [
        `a path that git checks out nowhere: ${path}`,
        (server) => {
          server.commit('team/gb', {
            files: { '.gitmodules': `[submodule "a"]\n\tpath = ${path}\n\turl = ../botserver.git\n` },
          });
          return { submodule: 'a' };
        },
        'is one that git does not check out.',
      ],
    ),
    [
      'a path below another submodule',
      (server) => {
        server.commit('team/gb', {
          files: {
            '.gitmodules': '[submodule "a"]\n\tpath = botserver/p\n\turl = ../botserver.git\n',
            botserver: `gitlink ${server.pointer('gb', 'botserver')}`,
          },
        });
        return { submodule: 'a' };
      },
      'botserver is a submodule, not a folder.',
    ],
    ['an unknown submodule', () => ({ submodule: 'nothing' }), '.gitmodules has no such entry; it has: botserver.'],
    [
      'two names for one path',
      (server) => {
        server.commit('team/gb', {
          files: {
            '.gitmodules':
              '[submodule "a"]\n\tpath = p\n\turl = ../botserver.git\n[submodule "b"]\n\tpath = p\n\turl = ../botserver.git\n',
          },
        });
        return { submodule: 'p' };
      },
      'more than one entry of .gitmodules matches: a, b.',
    ],
    [
      'two entries for one repository',
      (server) => {
        server.commit('team/gb', {
          files: {
            '.gitmodules':
              '[submodule "a"]\n\tpath = p\n\turl = ../botserver.git\n[submodule "b"]\n\tpath = q\n\turl = ../botserver.git\n',
          },
        });
        return {};
      },
      'more than one entry of .gitmodules matches: a, b.',
    ],
    [
      'two commits for one submodule, by its path and its name',
      (server) => {
        server.commit('team/gb', {
          files: { '.gitmodules': '[submodule "a"]\n\tpath = p\n\turl = ../botserver.git\n' },
        });
        return { submodule: 'p=main\na=main' };
      },
      'more than one line of `submodule` names it.',
    ],
    [
      'a URL that climbs out of the host',
      (server) => {
        server.commit('team/gb', {
          files: { '.gitmodules': '[submodule "botserver"]\n\tpath = botserver\n\turl = ../../../evil.git\n' },
        });
        return { submodule: 'botserver' };
      },
      'climbs out of',
    ],
    [
      'a branch that is not there',
      () => ({ branch: 'nope' }),
      'there is no such branch (a tag of that name does not count).',
    ],
    [
      'a repository that is not there',
      () => ({ repository: 'team/nope' }),
      'there is no such repository, or these credentials may not see it.',
    ],
    ['a wrong token', () => ({ token: 'wrong-token-1' }), 'the credentials are refused.'],
    [
      'the automatic token',
      () => ({ token: undefined }),
      'the automatic token of a run may not push to another repository.',
    ],
    [
      'the automatic token, given as token',
      () => ({ token: 'automatic-token-1' }),
      'the automatic token of a run may not push to another repository.',
    ],
  ];
  it.each(REFUSED)('%s', async (_, change, why) => {
    await using server = await gitServer();
    server.makeRoot('gb', ['botserver']);
    server.token = TOKEN;
    const inputs = change(server);
    server.commit('team/botserver');
    const before = server.git('team/gb', 'rev-parse', 'main');
    const { code, log, outputs } = await bump(server, 'botserver', inputs, { FORGEJO_TOKEN: 'automatic-token-1' });
    expect(log).toContain(why);
    expect(code).toBe(1);
    expect(outputs.changed).toBe('false');
    expect(server.git('team/gb', 'rev-parse', 'main')).toBe(before);
  });

  it('the automatic token, given as token where a push with it would start nothing', async () => {
    await using server = await gitServer();
    server.makeRoot('gb', ['botserver']);
    server.commit('team/botserver');
    const before = server.git('team/gb', 'rev-parse', 'main');
    const inputs = { submodule: 'botserver', commit: 'main', token: 'automatic-token-1' };
    const env = { GITHUB_REPOSITORY: 'team/gb', GITHUB_TOKEN: 'automatic-token-1' };
    const { code, log } = await bump(server, 'botserver', inputs, env);
    expect(code).toBe(1);
    expect(log).toContain('a push with it starts no workflow, so the deploy would never start.');
    expect(server.git('team/gb', 'rev-parse', 'main')).toBe(before);
  });

  it('an empty root', async () => {
    await using server = await gitServer();
    server.makeRoot('gb', ['botserver']);
    server.create('team/empty');
    for (const branch of [undefined, 'main']) {
      const { log, code } = await bump(server, 'botserver', { repository: 'team/empty', branch });
      expect(code).toBe(1);
      expect(log).toContain(
        branch ? 'there is no such branch' : 'the repository is empty, or its HEAD names no branch.',
      );
    }
  });
});

describe('a push is red at once, with the reason, when', () => {
  it.each([
    ['Branch main is protected from pushes', 'the branch is protected: a rule of the forge refuses this push'],
    ['This repository is archived', 'the repository is archived.'],
    ['not today', 'a hook of the server declined it.'],
  ])('the server says: %s', async (words, why) => {
    await using server = await gitServer();
    server.makeRoot('gb', ['botserver']);
    const hook = `${server.folder}/team/gb.git/hooks/pre-receive`;
    writeFileSync(hook, `#!/bin/sh\necho "${words}" >&2\nexit 1\n`, { mode: 0o755 });
    await expectRefusal(server, why);
  });

  it.each([
    [401, 'the credentials are refused.'],
    [403, 'access is denied.'],
    [404, 'there is no such repository, or these credentials may not see it.'],
  ])('the server answers %i to it alone', async (status, why) => {
    await using server = await gitServer();
    server.makeRoot('gb', ['botserver']);
    server.refusePushes = status;
    await expectRefusal(server, why);
  });

  it('a lock file of a crashed process holds the branch on the server', async () => {
    await using server = await gitServer();
    server.makeRoot('gb', ['botserver']);
    server.commit('team/botserver');
    writeFileSync(`${server.folder}/team/gb.git/refs/heads/main.lock`, '');
    const before = server.git('team/gb', 'rev-parse', 'main');
    const { log, code } = await bump(server, 'botserver');
    expect(code, log).toBe(1);
    expect(log).toContain('why:    a lock file on the server holds the branch.');
    expect(server.git('team/gb', 'rev-parse', 'main')).toBe(before);
  });

  async function expectRefusal(server: GitServer, why: string): Promise<void> {
    const before = server.git('team/gb', 'rev-parse', 'main');
    server.commit('team/botserver');
    const { log, code, outputs } = await bump(server, 'botserver');
    expect(code).toBe(1);
    expect(log).toContain(`why:    ${why}`);
    expect(log).not.toContain('retrying in');
    expect(outputs).toMatchObject({ changed: 'false', result: '' });
    expect(server.git('team/gb', 'rev-parse', 'main')).toBe(before);
  }
});

describe('the race', () => {
  it.each([0, 150])(
    'of sixteen bumps of sixteen submodules: all land, in a linear history (%i ms per push)',
    async (delay) => {
      await using server = await gitServer();
      server.makeRoot('gb', names(16));
      server.pushDelayMs = delay;
      const before = server.git('team/gb', 'rev-parse', 'main');
      const tips = names(16).map((name) => server.commit(`team/${name}`));
      const steps = await Promise.all(names(16).map((name) => bump(server, name, { 'deadline-seconds': 300 })));
      expect(steps.map(({ outputs }) => outputs.result)).toEqual(names(16).map(() => 'pushed'));
      expect(names(16).map((name) => server.pointer('gb', name))).toEqual(tips);
      expect(server.git('team/gb', 'rev-list', '--count', `${before}..main`)).toBe('16');
      expect(server.git('team/gb', 'rev-list', '--merges', 'main')).toBe('');
      expect(otherPaths(server, before, 'main')).toEqual([]);
    },
    400_000,
  );

  it('of sixteen commits of one submodule, in any order, leaves the newest', async () => {
    await using server = await gitServer();
    server.makeRoot('gb', ['botserver']);
    const commits = names(16).map((subject) => server.commit('team/botserver', { subject }));
    const shuffled = [...commits].sort(() => Math.random() - 0.5);
    const steps = await Promise.all(
      shuffled.map((commit) => bump(server, 'botserver', { commit, 'deadline-seconds': 300 })),
    );
    expect(steps.map(({ code }) => code)).toEqual(shuffled.map(() => 0));
    expect(server.pointer('gb', 'botserver')).toBe(commits.at(-1));
  }, 400_000);

  it('with a server that drops the connection after accepting ends with one commit', async () => {
    await using server = await gitServer();
    server.makeRoot('gb', ['botserver']);
    const commit = server.commit('team/botserver');
    server.dropAnswers = 1;
    const { outputs, log } = await bump(server, 'botserver');
    expect(outputs.result, log).toBe('pushed');
    expect(server.pointer('gb', 'botserver')).toBe(commit);
    expect(server.git('team/gb', 'rev-list', '--count', 'main')).toBe('2');
  });
});

/** What became of each remote. */
function states({ outputs }: Step): Record<string, string> {
  const told = JSON.parse(outputs.remotes ?? '[]') as { name: string; state: string }[];
  return Object.fromEntries(told.map(({ name, state }) => [name, state]));
}

/** Makes these repositories of the one server, as they are now, on the other. */
function copy(server: GitServer, mirror: GitServer, repositories: readonly string[]): void {
  for (const name of repositories) {
    mirror.create(`team/${name}`);
    server.git(`team/${name}`, 'push', '-q', '--all', `${mirror.folder}/team/${name}.git`);
  }
}

describe('several remotes', () => {
  it('get the identical commit; a lagging one is healed, a gated one waits, a dead optional one is reported', async () => {
    await using server = await gitServer();
    await using mirror = await gitServer();
    server.makeRoot('gb', ['botserver']);
    mirror.makeRoot('gb', ['botserver']);
    for (const name of ['gb', 'botserver']) {
      for (const copy of [name, ...(name === 'gb' ? ['lag', 'prod'] : [])]) {
        rmSync(`${mirror.folder}/team/${copy}.git`, { recursive: true, force: true });
        mirror.git(name === 'gb' ? 'team/gb' : 'team/botserver', '--version');
        server.git(
          `team/${name}`,
          'clone',
          '-q',
          '--mirror',
          `${server.folder}/team/${name}.git`,
          `${mirror.folder}/team/${copy}.git`,
        );
        mirror.git(`team/${copy}`, 'config', 'http.receivepack', 'true');
      }
    }
    server.commit('team/botserver');
    await bump(server, 'botserver');
    server.git('team/gb', 'push', '-q', `${mirror.folder}/team/gb.git`, 'main');
    const commit = server.commit('team/botserver');
    server.git('team/botserver', 'push', '-q', `${mirror.folder}/team/botserver.git`, 'main');
    const remotes = [
      `alm=${mirror.url}/team/gb.git`,
      `lag=${mirror.url}/team/lag.git`,
      `prod=${mirror.url}/team/prod.git gated`,
      'dead=http://127.0.0.1:1/team/gb.git optional',
    ].join('\n');
    const first = await bump(server, 'botserver', { remotes });
    expect(states(first), first.log).toEqual({
      primary: 'pushed',
      alm: 'pushed',
      lag: 'healed',
      prod: 'skipped',
      dead: 'unreachable',
    });
    expect(first.code).toBe(0);
    expect(mirror.requestsTo('team/prod')).toBe(0);
    const root = server.git('team/gb', 'rev-parse', 'main');
    expect([mirror.git('team/gb', 'rev-parse', 'main'), mirror.git('team/lag', 'rev-parse', 'main')]).toEqual([
      root,
      root,
    ]);
    expect(mirror.pointer('gb', 'botserver')).toBe(commit);
    const gated = await bump(server, 'botserver', { remotes, 'push-gated': true });
    expect(states(gated)).toMatchObject({ primary: 'up-to-date', alm: 'up-to-date', prod: 'healed' });
    mirror.commit('team/gb', { subject: 'by hand', files: { x: 'y' } });
    server.commit('team/botserver');
    server.git('team/botserver', 'push', '-q', `${mirror.folder}/team/botserver.git`, 'main');
    const diverged = await bump(server, 'botserver', { remotes });
    expect(diverged.code).toBe(1);
    expect(states(diverged)).toMatchObject({ primary: 'pushed', alm: 'diverged', lag: 'pushed' });
    expect(diverged.log).toMatch(/state: {2}primary, lag have the commit [0-9a-f]{40}\./);
  }, 120_000);

  it('that lack the submodule commit stop everything before the first push', async () => {
    await using server = await gitServer();
    await using mirror = await gitServer();
    server.makeRoot('gb', ['botserver']);
    mirror.makeRoot('gb', ['botserver']);
    const before = server.git('team/gb', 'rev-parse', 'main');
    server.commit('team/botserver', { subject: 'not on the mirror' });
    const { log, code } = await bump(server, 'botserver', { remotes: `alm=${mirror.url}/team/gb.git` });
    expect(code).toBe(1);
    expect(log).toContain('is not in the history of any branch or tag there');
    expect(server.git('team/gb', 'rev-parse', 'main')).toBe(before);
  });

  it('that are optional and lack the submodule commit are left as they are, and hold nothing up', async () => {
    await using server = await gitServer();
    await using mirror = await gitServer();
    server.makeRoot('gb', ['botserver']);
    copy(server, mirror, ['gb', 'botserver']);
    const before = mirror.git('team/gb', 'rev-parse', 'main');
    const commit = server.commit('team/botserver', { subject: 'not on the mirror' });
    const step = await bump(server, 'botserver', { remotes: `alm=${mirror.url}/team/gb.git optional` });
    expect(step.code, step.log).toBe(0);
    expect(server.pointer('gb', 'botserver')).toBe(commit);
    expect(states(step)).toEqual({ primary: 'pushed', alm: 'unreachable' });
    expect(step.log).toContain('is not in the history of any branch or tag there');
    expect(mirror.git('team/gb', 'rev-parse', 'main')).toBe(before);
  });

  it('all get the last of several bumps at once, and each bump is green', async () => {
    await using server = await gitServer();
    await using mirror = await gitServer();
    server.makeRoot('gb', names(4));
    copy(server, mirror, ['gb', ...names(4)]);
    const tips = names(4).map((name) => server.commit(`team/${name}`));
    copy(server, mirror, names(4));
    const remotes = `alm=${mirror.url}/team/gb.git`;
    const steps = await Promise.all(names(4).map((name) => bump(server, name, { remotes })));
    for (const { code, log } of steps) expect(code, log).toBe(0);
    expect(names(4).map((name) => mirror.pointer('gb', name))).toEqual(tips);
    expect(mirror.git('team/gb', 'rev-parse', 'main')).toBe(server.git('team/gb', 'rev-parse', 'main'));
  });

  it('whose history can not be read are unreachable, not diverged', async () => {
    await using server = await gitServer();
    await using mirror = await gitServer();
    server.makeRoot('gb', ['botserver']);
    copy(server, mirror, ['gb', 'botserver']);
    mirror.commit('team/gb', { subject: 'ahead', files: { x: 'y' } });
    const tree = mirror.git('team/gb', 'rev-parse', 'main^{tree}');
    rmSync(`${mirror.folder}/team/gb.git/objects/${tree.slice(0, 2)}/${tree.slice(2)}`);
    const step = await bump(server, 'botserver', { remotes: `alm=${mirror.url}/team/gb.git` });
    expect(step.code).toBe(1);
    expect(states(step), step.log).toEqual({ primary: 'up-to-date', alm: 'unreachable' });
  });

  it('that lag stay as they are with dry-run', async () => {
    await using server = await gitServer();
    await using mirror = await gitServer();
    server.makeRoot('gb', ['botserver']);
    copy(server, mirror, ['gb', 'botserver']);
    server.commit('team/botserver');
    copy(server, mirror, ['botserver']);
    const before = mirror.git('team/gb', 'rev-parse', 'main');
    const remotes = `alm=${mirror.url}/team/gb.git gated`;
    await bump(server, 'botserver', { remotes });
    const dry = await bump(server, 'botserver', { remotes, 'push-gated': true, 'dry-run': true });
    expect(dry.code, dry.log).toBe(0);
    expect(states(dry)).toEqual({ primary: 'up-to-date', alm: 'skipped' });
    expect(mirror.git('team/gb', 'rev-parse', 'main')).toBe(before);
  });

  it('that are required and dead stop everything before the first push', async () => {
    await using server = await gitServer();
    server.makeRoot('gb', ['botserver']);
    const before = server.git('team/gb', 'rev-parse', 'main');
    server.commit('team/botserver');
    const { log, code } = await bump(server, 'botserver', { remotes: 'alm=http://127.0.0.1:1/team/gb.git' });
    expect(code).toBe(1);
    expect(log).toContain('Reading the branch on http://127.0.0.1:1/team/gb.git failed.');
    expect(server.git('team/gb', 'rev-parse', 'main')).toBe(before);
  });

  it('to which the host of the token redirects never see it', async () => {
    await using server = await gitServer();
    await using other = await gitServer();
    other.makeRoot('gb', ['botserver']);
    other.commit('team/botserver');
    server.redirectTo = other.url;
    const { code, log } = await bump(other, 'botserver', { repository: `${server.url}/team/gb.git` });
    expect(other.authorizations).toEqual([]);
    expect(code).toBe(1);
    expect(log).toContain('why:    the server redirects to another address, and the token is only for this one.');
  });

  it('on other hosts never see the token', async () => {
    await using server = await gitServer();
    await using other = await gitServer();
    server.makeRoot('gb', ['botserver']);
    server.commit('team/botserver');
    await bump(server, 'botserver', { remotes: `other=${other.url}/team/gb.git optional` });
    expect(other.requests).toBeGreaterThan(0);
    expect(other.authorizations).toEqual([]);
    expect(server.authorizations.length).toBeGreaterThan(0);
  });
});

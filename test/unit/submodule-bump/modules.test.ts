import { describe, expect, test } from 'vitest';
import { commitOf, expectedBranch, findModule, probableSource } from '../../../actions/submodule-bump/modules.ts';

const SHA = 'a'.repeat(40);
const MODULES = [
  { name: 'Bot Server', path: 'apps/server', url: '../BotServer.git', branch: undefined, frozen: undefined },
  { name: 'ui', path: 'ui', url: '../botui.git', branch: 'stable', frozen: undefined },
  { name: 'apps/server', path: 'other', url: '../other.git', branch: '.', frozen: undefined },
];
const ROOT = 'https://git.example.org/team/gb';

describe('the submodule meant', () => {
  const find = (submodule: string | undefined, self = '') =>
    findModule(MODULES, submodule, { rootUrl: ROOT, self: { url: self } }).path;

  test.each([
    ['ui', 'ui'],
    ['Bot Server', 'apps/server'],
    // A path goes before a name.
    ['apps/server', 'apps/server'],
  ])('%s is at %s', (submodule, path) => {
    expect(find(submodule)).toBe(path);
  });

  test('is the one of this repository when none is named, whatever the case of its URL', () => {
    expect(find(undefined, 'https://git.example.org/team/botserver')).toBe('apps/server');
    expect(() => find(undefined, 'https://git.example.org/team/none')).toThrow(/has no such entry/);
    expect(() => find(undefined)).toThrow(/this repository/);
  });
});

describe('the branch that probably has the commit', () => {
  test.each([
    ['of the run, for its own commit', SHA, 'refs/heads/feature/x', 'feature/x'],
    ['that is followed, for another commit', 'b'.repeat(40), 'refs/heads/main', 'stable'],
    ['that is followed, for a run of a tag', SHA, 'refs/tags/v1', 'stable'],
    ['that is named', 'release', 'refs/heads/main', 'release'],
    ['that is followed, for a full ref', 'refs/tags/v1', 'refs/heads/main', 'stable'],
  ])('is the one %s', (_, commit, ref, branch) => {
    expect(expectedBranch(MODULES[1], commit, { sha: SHA, ref })).toBe(branch);
  });

  test("is the root's own for a submodule that follows it", () => {
    expect(expectedBranch(MODULES[2], 'b'.repeat(40), { sha: SHA, ref: '', rootBranch: 'stable' })).toBe('stable');
  });

  test('is what HEAD names for a submodule that follows the root, or nothing', () => {
    const run = { sha: '', ref: '' };
    expect(
      MODULES.slice(0, 1)
        .concat(MODULES[2] ?? [])
        .map((module) => expectedBranch(module, SHA, run)),
    ).toEqual([undefined, undefined]);
  });
});

describe('the place of a submodule that moves its own pointer', () => {
  const run = { repository: 'team/botserver', sha: SHA, ref: 'refs/heads/main' };
  const unnamed = [{ submodule: undefined, commit: undefined }];

  test.each([
    [ROOT, 'https://git.example.org/team/botserver.git'],
    ['https://example.org/git/team/gb.git', 'https://example.org/git/team/botserver.git'],
    ['git@git.example.org:team/gb.git', 'git@git.example.org:team/botserver.git'],
    ['ssh://git@git.example.org:2222/team/gb', 'ssh://git@git.example.org:2222/team/botserver.git'],
  ])('seen from %s is %s', (root, url) => {
    expect(probableSource(root, unnamed, run)).toEqual({ url, expected: 'main' });
  });

  test('is unknown for one that is named, and outside a run', () => {
    expect(probableSource(ROOT, [{ submodule: 'ui', commit: undefined }], run)).toBeUndefined();
    expect(probableSource(ROOT, unnamed, { ...run, repository: '' })).toBeUndefined();
  });
});

describe('a name of a commit', () => {
  const tips = new Map([
    ['refs/heads/main', '1'],
    ['refs/tags/main', '2'],
    ['refs/tags/v1', '3'],
  ]);

  test.each([
    ['main', '1'],
    ['refs/tags/main', '2'],
    ['v1', '3'],
  ])('%s is %s: a branch goes before a tag', (name, commit) => {
    expect(commitOf(name, tips, ROOT)).toBe(commit);
  });

  test.each([
    ['v2', 'v2 is not a full commit id, branch or tag there'],
    ['', '`commit` is not set'],
  ])("'%s' is refused: %s", (name, why) => {
    expect(() => commitOf(name, tips, ROOT)).toThrow(why);
  });
});

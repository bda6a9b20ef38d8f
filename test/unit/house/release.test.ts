import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isNewestOfMajor, releaseText } from '../../../scripts/release.mjs';

const CHANGELOG = `# Changelog

## [Unreleased]

- Not yet

## [1.2.0] - 2030-01-02

### Added

- Flies

## [1.1.0] - 2030-01-01

- Walks

[1.2.0]: https://git.example.org/a/b/releases/tag/v1.2.0
`;
const RELEASE = {
  tag: 'v1.2.0',
  version: '1.2.0',
  changelog: CHANGELOG,
  digests: [['dist/a.cjs', 'abc']],
  commit: 'c0ffee',
};

test('the text of a release is its section of the changelog, a line to pin it, and the digests of dist/', () => {
  expect(
    releaseText(RELEASE)
      .split('\n')
      .filter((line) => line !== ''),
  ).toEqual([
    '### Added',
    '- Flies',
    '### Pin this release',
    '`uses: …/actions/deploy-binary@c0ffee # v1.2.0`',
    '### Digests',
    'SHA-256 of the files that run; `npm run build` makes the same bytes from the sources.',
    '| file | SHA-256 |',
    '| --- | --- |',
    '| dist/a.cjs | `abc` |',
  ]);
});

test('the oldest section is published without the links at the end of the file', () => {
  const text = releaseText({ ...RELEASE, tag: 'v1.1.0', version: '1.1.0' });
  expect(text).toMatch(/^- Walks\n\n###/);
});

test('a tag that is not the version of package.json is refused', () => {
  expect(() => releaseText({ ...RELEASE, tag: 'v1.3.0' })).toThrow(
    'the tag is v1.3.0, but package.json has version 1.2.0',
  );
});

test('a version without a section in the changelog is refused, and one with an empty section', () => {
  const other = { ...RELEASE, tag: 'v1.2.1', version: '1.2.1' };
  expect(() => releaseText(other)).toThrow("CHANGELOG.md has no section '## [1.2.1] - DATE'");
  const empty = { ...RELEASE, changelog: '## [1.2.0] - 2030-01-02\n\n## [1.1.0] - 2030-01-01\n' };
  expect(() => releaseText(empty)).toThrow('the section of 1.2.0 in CHANGELOG.md is empty');
});

test.each([
  ['v1.2.0', ['v1.1.9', 'v1.2.0', 'v1', 'nightly'], true],
  ['v1.10.0', ['v1.9.0', 'v1.10.0'], true],
  ['v1.2.1', ['v1.3.0', 'v1.2.1'], false],
  ['v1.2.1', ['v2.0.0', 'v1.2.1'], true],
])('the major tag moves to %s beside the tags %j: %s', (tag, tags, moves) => {
  expect(isNewestOfMajor(tag, tags)).toBe(moves);
});

test('the changelog of this repository has a section for its version and one for what is not released', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  const changelog = readFileSync('CHANGELOG.md', 'utf8');
  expect(releaseText({ ...RELEASE, tag: `v${version}`, version, changelog })).toMatch(/^### /);
  expect(changelog).toContain('\n## [Unreleased]\n');
});

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { actionNames, filesBelow } from '../../../scripts/checks/imports.mjs';

const read = (path: string) => readFileSync(path, 'utf8');
const PAGES = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'],
  ...readdirSync('docs').map((name) => `docs/${name}`),
  ...actionNames().map((name) => `actions/${name}/README.md`),
];

describe('what both forges show is the same', () => {
  test('the form of an issue', () => {
    const { about, ...forgejo } = parse(read('.forgejo/issue_template/bug.yml'));
    const { description, ...github } = parse(read('.github/ISSUE_TEMPLATE/bug.yml'));
    expect(forgejo).toEqual(github);
    expect(about).toBe(description);
  });

  test('the form of an issue offers every action', () => {
    const { body } = parse(read('.forgejo/issue_template/bug.yml'));
    const { attributes } = body.find(({ id }: { id?: string }) => id === 'action');
    expect(attributes.options.toSorted()).toEqual(actionNames().toSorted());
  });

  test('the template of a pull request', () => {
    expect(read('.github/pull_request_template.md')).toBe(read('.forgejo/pull_request_template.md'));
  });

  test('the owners of the code', () => {
    const owners = (path: string) => read(path).match(/@\S+/g);
    expect(owners('.github/CODEOWNERS')).toEqual(owners('.forgejo/CODEOWNERS'));
  });
});

test('package.json says what the package is, whose, and where to report a bug', () => {
  const about = JSON.parse(read('package.json'));
  for (const key of ['author', 'bugs', 'description', 'homepage', 'keywords', 'license', 'repository'])
    expect(about[key], key).toBeTruthy();
  expect(read('LICENSE')).toMatch(new RegExp(`^${about.license} License\n\nCopyright \\(c\\) \\d+ ${about.author}\n`));
  expect(about.engines.node).toBe(`>=${read('.nvmrc').trim()}`);
});

test('the README leads to every page of docs/, every action and every example', () => {
  const readme = read('README.md');
  const missing = [...PAGES.slice(1), 'LICENSE', 'examples/'].filter((path) => !readme.includes(`](${path})`));
  expect(missing).toEqual([]);
});

test('the README shows how to use the toolkit before line 20', () => {
  const beginning = read('README.md').split('\n').slice(0, 19).join('\n');
  expect(beginning).toContain('uses: https://');
  expect(beginning).toContain('with:');
});

test.each(PAGES)('every link of %s within this repository leads to a file, and to a heading of it', (page) => {
  const links = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link ?? '');
  const own = links.filter((link) => !/^(https?:|mailto:)/.test(link));
  const broken = own.filter((link) => {
    const [file = '', heading] = link.split('#');
    const path = file === '' ? page : join(dirname(page), file);
    return !existsSync(path) || (heading !== undefined && !headingsOf(path).includes(heading));
  });
  expect(broken).toEqual([]);
});

test('the README shows every log line of a phase as the sources word it', () => {
  const sources = ['actions', 'lib', 'target'].flatMap((folder) => filesBelow(folder, '.ts').map(read)).join('\n');
  const phases = [...read('README.md').matchAll(/^\[ .* s\] (?!connect)\S+ +(.*)$/gm)].map(([, text]) => text ?? '');
  expect(phases.length).toBeGreaterThan(8);
  expect(phases.filter((text) => !sources.includes(text))).toEqual([]);
});

/** The anchors of a page's headings, as forges make them. */
function headingsOf(path: string): string[] {
  return [...read(path).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

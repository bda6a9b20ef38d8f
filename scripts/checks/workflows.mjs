import { existsSync, readdirSync } from 'node:fs';
import { actionNames } from './imports.mjs';
import { isThere } from './install.mjs';
import { run } from './run.mjs';

/** Another checkout on the same machine may lend what it has installed. */
const FOLDER = process.env.LINTERS_FOLDER ?? new URL('../../.cache/linters', import.meta.url).pathname;
const WORKFLOWS = ['.forgejo/workflows', '.github/workflows'];

/** Pinned, so that a finding does not depend on the day; `installer` must be on the machine. */
const LINTERS = [
  {
    name: 'actionlint',
    version: '1.7.12',
    installer: 'go',
    install: ({ version }) => ['install', `github.com/rhysd/actionlint/cmd/actionlint@v${version}`],
    env: (folder) => ({ GOBIN: folder, GOFLAGS: '-modcacherw' }),
    lint: () => [
      ...['-no-color', '-config-file', '.github/actionlint.yaml', '-pyflakes='],
      // Forgejo and Gitea read the full URL of an action; actionlint knows owner/name only.
      ...['-ignore', 'specifying action "https://(git.example|data.forgejo).org/'],
      // Forgejo's own key.
      ...['-ignore', 'unexpected key "enable-openid-connect"'],
      ...[...WORKFLOWS, 'examples'].flatMap((folder) => filesIn(folder)),
    ],
  },
  {
    name: 'zizmor',
    version: '1.32.0',
    installer: 'python3',
    install: ({ version }, folder) => [
      ...[
        '-m',
        'pip',
        'install',
        '-q',
        '--no-input',
        '--disable-pip-version-check',
        '--retries',
        '0',
        '--timeout',
        '15',
      ],
      ...['--only-binary', ':all:', '--target', folder, `zizmor==${version}`],
    ],
    env: () => ({}),
    lint: () => [
      ...['--offline', '--no-progress', '--quiet', '--color', 'never', '--config', '.github/zizmor.yml'],
      ...WORKFLOWS.flatMap((folder) => filesIn(folder)),
      ...actionNames().map((name) => `actions/${name}/action.yml`),
    ],
  },
];
const PLACES = ['', 'bin/'];

/** Workflows and action files pass the linters that can be had on this machine; gives their findings. */
export async function check() {
  const results = await Promise.all(LINTERS.map(lintWith));
  const problem = results.flatMap((result) => result.problem ?? []).join('\n');
  const leftOut = results.flatMap((result) => result.leftOut ?? []).join('; ');
  return { ...(problem !== '' && { problem }), ...(leftOut !== '' && { leftOut }) };
}

async function lintWith(linter) {
  const program = pathOf(linter) ?? (await installed(linter));
  if (!program) return { leftOut: `${linter.name} ${linter.version} could not be installed with ${linter.installer}` };
  const { code, output } = await run(program, linter.lint(), { limitSeconds: 60 });
  return code === 0 ? {} : { problem: output };
}

async function installed(linter) {
  if (!isThere(linter.installer)) return undefined;
  const folder = folderOf(linter);
  await run(linter.installer, linter.install(linter, folder), { limitSeconds: 120, env: linter.env(folder) });
  return pathOf(linter);
}

function pathOf(linter) {
  return PLACES.map((place) => `${folderOf(linter)}/${place}${linter.name}`).find((path) => existsSync(path));
}

function folderOf({ name, version }) {
  return `${FOLDER}/${name}-${version}`;
}

function filesIn(folder) {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yml'))
    .map((name) => `${folder}/${name}`);
}

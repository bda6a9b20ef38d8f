import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { filesBelow, importsOf, reachedFrom, sourceFiles } from '../../../scripts/checks/imports.mjs';

const SOURCES = sourceFiles();
const PURE_FILES =
  /^(actions\/[^/]+\/(plan|verdict)\.ts|actions\/[^/]+\/plan\/.*\.ts|lib\/(errors|foreign|secrets|words|elf)\.ts)$|\/(parse|format|plan)-[^/]+\.ts$/;
const PURE = [
  ...SOURCES.filter((path) => PURE_FILES.test(path)),
  ...[
    'address',
    'answer',
    'certificate',
    'choose-transport',
    'config',
    'config-match',
    'known-hosts',
    'openssh-arguments',
    'openssh-failures',
    'openssh-log',
    'openssh-reasons',
    'openssh-settings',
    'openssh-version',
    'patterns',
    'program',
    'target',
    'tokens',
  ].map((name) => `lib/ssh/${name}.ts`),
];
const HARMLESS = ['node:path', 'node:path/posix', 'node:buffer', 'node:crypto', 'yaml', 'zod/mini'];

const OUTSIDE = SOURCES.flatMap((path) =>
  importsOf(path)
    .filter((name) => !/^(actions|lib)\//.test(name))
    .map((name) => ({ path, name })),
);

describe('decisions are pure', () => {
  test.each(PURE)('%s reaches nothing that does IO', (path) => {
    const foreign = [...reachedFrom(path)].filter((name) => !/\.(ts|sh)$/.test(name));
    expect(foreign.filter((name) => !HARMLESS.includes(name))).toEqual([]);
  });

  test('every action has its decisions in a file of their own', () => {
    const actions = filesBelow('actions', 'action.yml').map((path) => path.replace(/action\.yml$/, ''));
    expect(
      actions.filter(
        (folder) => !['plan.ts', 'plan/decide.ts', 'verdict.ts'].some((name) => existsSync(folder + name)),
      ),
    ).toEqual([]);
  });
});

describe('the outside has one door each', () => {
  test('only lib/ssh/login.ts imports node-ssh', () => {
    expect(importersOf(/^node-ssh$/)).toEqual(['lib/ssh/login.ts']);
  });

  test('only lib/ssh/ imports ssh2', () => {
    expect(importersOf(/^ssh2/).filter((path) => !path.startsWith('lib/ssh/'))).toEqual([]);
  });

  test('only lib/action/ imports @actions/core', () => {
    const importers = importersOf(/^@actions\/core/);
    expect(importers.length).toBeGreaterThan(0);
    expect(importers.filter((path) => !path.startsWith('lib/action/'))).toEqual([]);
  });

  test('only git, ssh and the compressor of an upload are started on the runner, each by one module', () => {
    const starters = importersOf(/^(node:)?child_process$|^@actions\/exec/);
    expect(
      starters.filter(
        (path) =>
          ![
            'lib/git/process.ts',
            'lib/git/version.ts',
            'lib/ssh/openssh-process.ts',
            'lib/transfer/compress.ts',
          ].includes(path),
      ),
    ).toEqual([]);
  });

  test('lib/ never imports an action', () => {
    const inward = SOURCES.filter((path) => path.startsWith('lib/')).filter((path) =>
      importsOf(path).some((name) => name.startsWith('actions/')),
    );
    expect(inward).toEqual([]);
  });

  test('an action imports nothing of another action, but deploy-release stands on deploy-binary', () => {
    const crossing = SOURCES.filter((path) => path.startsWith('actions/')).filter((path) => {
      const room = path.split('/').slice(0, 2).join('/');
      return importsOf(path).some(
        (name) =>
          name.startsWith('actions/') &&
          !name.startsWith(`${room}/`) &&
          !(room === 'actions/deploy-release' && name.startsWith('actions/deploy-binary/')),
      );
    });
    expect(crossing).toEqual([]);
  });
});

function importersOf(name: RegExp): string[] {
  return [...new Set(OUTSIDE.filter((found) => name.test(found.name)).map(({ path }) => path))];
}

import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';

/** A repository whose `make server` brings a program. */
export interface Project extends Disposable {
  folder: string;
  build(program: string): void;
}

/** A new one, without a commit yet. */
export function project(): Project {
  const folder = mkdtempSync('/tmp/fdt-project-');
  const git = (...words: string[]) =>
    execFileSync('git', ['-C', folder, '-c', 'user.name=a', '-c', 'user.email=a@b.example', ...words], {
      stdio: 'pipe',
    });
  git('init', '-q', '-b', 'main');
  writeFileSync(`${folder}/Makefile`, 'server: built\n\tcp built server\n');
  return {
    folder,
    build: (program) => {
      cpSync(program, `${folder}/built`);
      git('add', '-A');
      git('commit', '-q', '-m', 'work');
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

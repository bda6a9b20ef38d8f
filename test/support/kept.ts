import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { keptFolder } from '../../lib/transfer/kept.ts';
import { leftWith, noteFile } from '../../lib/transfer/notes.ts';
import { sha256 } from './programs.ts';

/** Where a step of the tests keeps what it has deployed. */
export function keptIn(cache: string): string {
  return keptFolder(cache, { serverUrl: 'https://forge.example', repository: 'team/service' });
}

/** As if a step had deployed that file there. */
export function keepFor(
  cache: string,
  path: string,
  { host, destination }: { host: string; destination: string },
): void {
  const folder = keptIn(cache);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  copyFileSync(path, `${folder}/${sha256(path)}`);
  const note = noteFile(folder, ['', host, '', '', destination].join(' '));
  const before = existsSync(note) ? JSON.parse(readFileSync(note, 'utf8')) : {};
  writeFileSync(note, JSON.stringify({ ...before, left: leftWith(sha256(path), before) }));
}

import { createHash, randomUUID } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import type { Link } from './plan-transfer.ts';

/** How fast the way to a target was last time, from the runner's folder for such; undefined when it is not known. */
export async function recallLink(folder: string, target: string): Promise<Link | undefined> {
  const text = await readFile(fileOf(folder, target), 'utf8').catch(() => '');
  const bytesPerSecond = Number(text);
  return bytesPerSecond > 0 && Number.isFinite(bytesPerSecond)
    ? { bytesPerSecond, from: 'measured last time' }
    : undefined;
}

/** Notes it for the next time. */
export async function rememberLink(folder: string, target: string, bytesPerSecond: number): Promise<void> {
  const unfinished = `${folder}/.new-${randomUUID()}`;
  await writeFile(unfinished, String(Math.round(bytesPerSecond)), { mode: 0o600, flag: 'wx' });
  await rename(unfinished, fileOf(folder, target));
}

/** A target's name can hold anything. */
function fileOf(folder: string, target: string): string {
  return `${folder}/link-${createHash('sha256').update(target).digest('hex').slice(0, 16)}`;
}

import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { arch } from 'node:os';
import { promisify } from 'node:util';

const FOLDER = new URL('../../.cache/nodes/', import.meta.url).pathname;
const LIMIT_MS = 120_000;

/** Each version of Node.js that a runner may bring, as the npm package `node` ships it. */
export const NODE_VERSIONS = ['20.20.2', '22.23.3', '24.21.0', '26.10.0'];

/** The path of that Node.js, brought from npm once. */
export async function nodeOf(version: string): Promise<string> {
  const name = `node-linux-${arch()}`;
  const folder = `${FOLDER}${version}`;
  const path = `${folder}/node_modules/${name}/bin/node`;
  if (existsSync(path)) return path;
  const loading = `${folder}.${process.pid}`;
  mkdirSync(loading, { recursive: true });
  const words = ['install', '--prefix', loading, '--ignore-scripts', '--no-audit', '--no-fund', '--no-save'];
  await promisify(execFile)('npm', [...words, `${name}@${version}`], { timeout: LIMIT_MS });
  rmSync(folder, { recursive: true, force: true });
  renameSync(loading, folder);
  return path;
}

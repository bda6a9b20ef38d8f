import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { buildAll } from '../build.mjs';

const BUILT = '.cache/dist-check';

/** dist/ is, byte for byte and file for file, what the sources build; names what differs. */
export async function check() {
  rmSync(BUILT, { recursive: true, force: true });
  await buildAll(BUILT);
  const [built, committed] = [BUILT, 'dist'].map(contents);
  const names = [...new Set([...built.keys(), ...committed.keys()])].sort();
  const problems = names.flatMap((name) => {
    if (!committed.has(name)) return [`dist/${name} is missing`];
    if (!built.has(name)) return [`dist/${name} is built from nothing`];
    return built.get(name).equals(committed.get(name)) ? [] : [`dist/${name} is not what the sources build`];
  });
  return problems.length === 0 ? undefined : `${problems.join('\n')}\nRun \`npm run build\` and commit dist/.`;
}

function contents(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(files.map(({ name, parentPath }) => [name, readFileSync(`${parentPath}/${name}`)]));
}

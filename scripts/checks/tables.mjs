import { staleReadmes } from '../readme.mjs';

/** The tables in the actions' READMEs say what action.yml says; names those that don't. */
export async function check() {
  const stale = staleReadmes();
  return stale.length === 0
    ? undefined
    : `Not what action.yml says: ${stale.join(', ')}\nRun \`node scripts/readme.mjs\` and commit the result.`;
}

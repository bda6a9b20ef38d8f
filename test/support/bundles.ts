import { buildAll } from '../../scripts/build.mjs';

/** Before integration tests: bundles of the sources as they are now, so that what users run is what is tested. */
export default async function setup(): Promise<void> {
  await buildAll(new URL('../../.cache/bundles', import.meta.url).pathname);
}

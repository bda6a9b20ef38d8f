import { readFile, stat } from 'node:fs/promises';
import { InputError } from '../errors.ts';
import { parseHost } from '../ssh/inputs.ts';
import { MOST_TARGETS, parseShard, type RolloutInputs } from './inputs.ts';

const HOSTS_FILE_LIMIT_BYTES = 1 << 20;

/**
 * The hosts of this step: those of `host`, then those of `hosts-file`, each once, in their order; with `shard: 2/8` the second of
 * every eight. Throws an InputError that names each wrong line of the file.
 */
export async function hostsOfStep(
  written: readonly string[],
  { 'hosts-file': path, shard }: Pick<RolloutInputs, 'hosts-file' | 'shard'>,
): Promise<string[]> {
  const hosts = [...new Set([...written, ...(path === undefined ? [] : await hostsOfFile(path))])];
  if (hosts.length === 0)
    throw new InputError(["Input 'host': required, unless `hosts-file` names at least one host."]);
  if (hosts.length > MOST_TARGETS)
    throw new InputError([`Input 'hosts-file': ${hosts.length} hosts; the limit of a step is ${MOST_TARGETS}.`]);
  const part = shard === undefined ? undefined : parseShard(shard);
  return part ? hosts.filter((_, index) => index % part.of === part.number - 1) : hosts;
}

async function hostsOfFile(path: string): Promise<string[]> {
  const problem = (message: string) => new InputError([`Input 'hosts-file': ${message}.`]);
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) throw problem(`there is no file ${path} on the runner`);
  if (found.size > HOSTS_FILE_LIMIT_BYTES) throw problem(`${path} has ${found.size} bytes; the limit is 1 MiB`);
  const lines = (await readFile(path, 'utf8')).replace(/^\uFEFF/, '').split('\n');
  const hosts = lines.map((line) => line.replace(/(^|\s)#.*$/, '').trim());
  const wrong = hosts.flatMap((host, index) =>
    host === '' || parseHost(host)
      ? []
      : [`line ${index + 1} of ${path}: expected a host, user@host, user@host:port or alias, got '${host}'`],
  );
  if (wrong.length > 0) throw new InputError(wrong.slice(0, 20).map((line) => `Input 'hosts-file': ${line}.`));
  return hosts.filter((host) => host !== '');
}

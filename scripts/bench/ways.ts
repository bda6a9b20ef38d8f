import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Command, quoteAll } from './command.ts';
import { type Place, privateKey } from './place.ts';
import type { Pair } from './programs.ts';
import { NAME, STOP_WORDS, startWords } from './service.ts';

/** What people do by hand to bring a file there, beside the one that runs. `before` is a copy of that one, for those that use it. */
export function transfersByHand(place: Place, { one, two }: Pair): Record<string, Command & { before?: string }> {
  const there = `${place.folder}/beside`;
  const shell = (script: string) => ({ words: ['bash', '-o', 'pipefail', '-c', script] });
  return {
    scp: { words: ['scp', ...options(place, '-P'), '-q', two, `root@127.0.0.1:${there}`] },
    'rsync -z': {
      words: ['rsync', '-z', '-e', `ssh ${options(place, '-p').join(' ')}`, two, `root@127.0.0.1:${there}`],
      before: there,
    },
    'zstd | ssh': shell(`zstd -3 -T0 -qc ${two} | ${quoteAll(ssh(place, `zstd -dqc >${there}`))}`),
    'zstd --patch-from | ssh': {
      ...shell(
        `zstd -3 -T0 --long=31 -qc --patch-from=${one} ${two} | ${quoteAll(ssh(place, `zstd -dqc --long=31 --patch-from=${there}.old >${there}`))}`,
      ),
      before: `${there}.old`,
    },
  };
}

/** The users' order: stop, copy over it, start, see that it answers. */
export function orderByHand(place: Place, { two }: Pair): Command {
  const script = [
    quoteAll(ssh(place, STOP_WORDS)),
    quoteAll(['scp', ...options(place, '-P'), '-q', two, `root@127.0.0.1:${place.folder}/bin/${NAME}`]),
    quoteAll(ssh(place, startWords(place))),
    `until curl -sf http://127.0.0.1:${place.port}/ >/dev/null; do sleep 0.01; done`,
  ];
  return { words: ['/bin/sh', '-c', script.join(' && ')] };
}

/** A stop and a start on the target itself, with nothing in between. */
export function restartThere(place: Place): Command {
  return { words: ['/bin/sh', '-c', `${STOP_WORDS}; ${startWords(place)}`] };
}

/** The action, as a runner runs it. */
export function deployBinary(place: Place, source: string, inputs: Record<string, string> = {}): Command {
  return actionCommand(place, 'deploy-binary', {
    source: resolve(source),
    destination: `${place.folder}/bin/${NAME}`,
    args: `--port ${place.port}`,
    'health-url': `http://127.0.0.1:${place.port}/`,
    'stable-seconds': '0',
    ...inputs,
  });
}

/** One of the bundles, with the inputs of a connection to this place. */
export function actionCommand(place: Place, action: string, inputs: Record<string, string>): Command {
  const given = {
    host: `root@127.0.0.1:${place.sshPort}`,
    'ssh-key': privateKey(place),
    'known-hosts': place.knownHosts,
    ...inputs,
  };
  return {
    words: [process.execPath, resolve(`dist/${action}.cjs`)],
    env: {
      ...Object.fromEntries(Object.entries(given).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
      RUNNER_TOOL_CACHE: place.toolCache,
    },
  };
}

/** The values of `transfer` that this version of the action takes. */
export function transfers(): string[] {
  const known = readFileSync('actions/deploy-binary/action.yml', 'utf8').includes('\n  transfer:');
  return known ? ['auto', 'delta', 'compressed', 'plain'] : [];
}

/** ssh, as people call it by hand. */
export function ssh(place: Place, command: string): string[] {
  return ['ssh', ...options(place, '-p'), 'root@127.0.0.1', command];
}

function options(place: Place, port: '-p' | '-P'): string[] {
  const known = ['-o', `UserKnownHostsFile=${place.folder}/known_hosts`, '-o', 'IdentitiesOnly=yes', '-F', 'none'];
  return [port, String(place.sshPort), '-i', place.server.keyFile, ...known];
}

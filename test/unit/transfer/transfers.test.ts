import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Run } from '../../../lib/action/run.ts';
import { readSource, type Source } from '../../../lib/source.ts';
import { keptFolder } from '../../../lib/transfer/kept.ts';
import { readNote } from '../../../lib/transfer/notes.ts';
import type { Wanted } from '../../../lib/transfer/plan-transfer.ts';
import { openTransfers, type Receiver } from '../../../lib/transfer/transfers.ts';

const RUN = { serverUrl: 'https://forge.example', repository: 'team/service' } as Run;
const NAME = 'root production 22 /opt/app/server';
const DISTANT: Receiver = {
  near: false,
  roundTripMs: 50,
  tools: new Set(['gzip', 'perl']),
  present: { lacks: 'there is no file yet' },
};

let folder = '';
beforeEach(() => {
  folder = mkdtempSync('/tmp/fdt-transfers-');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('what is remembered of a link', () => {
  test('is what it carried of a file, and more where a delta came faster; a target may be slow to undo that', async () => {
    const one = await source('one');
    expect(await remembered('auto', one, DISTANT, 5e6)).toBe(5e6);
    const present = { sha256: one.sha256 };
    for (const [carried, known] of [
      [3e6, 5e6],
      [8e6, 8e6],
    ] as const)
      expect(await remembered('auto', await source('two'), { ...DISTANT, present }, carried)).toBe(known);
  });

  test('is nothing to this machine that had to be undone', async () => {
    const near = { ...DISTANT, near: true };
    expect(await remembered('delta', await source('one'), near, 5e6)).toBeUndefined();
  });
});

/** After one upload that carried so many bytes a second. */
async function remembered(wanted: Wanted, sent: Source, receiver: Receiver, carried: number) {
  const env = (name: string) => (name === 'RUNNER_TOOL_CACHE' ? folder : undefined);
  const context = { env, log: log(), run: RUN };
  {
    await using transfers = openTransfers({ wanted, several: false }, context);
    const to = transfers.to(NAME, Promise.resolve(sent));
    await to.choose(sent, receiver);
    await to.measured(carried);
    to.arrived(sent, receiver.near);
  }
  return (await readNote(keptFolder(folder, RUN), NAME)).bytesPerSecond;
}

async function source(name: string): Promise<Source> {
  const path = `${folder}/${name}`;
  writeFileSync(path, randomBytes(1_200_000));
  return readSource(path, []);
}

function log() {
  const nothing = () => undefined;
  return { line: nothing, phase: nothing, mask: nothing, warning: nothing } as never;
}

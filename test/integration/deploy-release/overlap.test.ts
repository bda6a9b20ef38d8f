import { expect, it } from 'vitest';
import { program } from '../../support/programs.ts';
import { type ReleaseHost, releaseHost } from '../../support/release-host.ts';

/** A sample here; `FDT_PAIRS=50` for the whole. */
const PAIRS = Number(process.env.FDT_PAIRS ?? 2);
const QUICK = ['stable-seconds: 0', 'stop-timeout-seconds: 2'];

/** A release of both parts by another runner, in the reverse order of the parts. */
function reversed(host: ReleaseHost, source: string) {
  const inputs = host.inputs([source, source], [QUICK, QUICK]);
  const parts = String(inputs.parts).split(/\n(?=- )/);
  return { ...inputs, parts: parts.reverse().join('\n') };
}

it(
  'two runners that release the same parts in opposite orders never wait for each other for ever',
  async () => {
    await using host = await releaseHost();
    for (const part of host.parts) await part.startByHand(program('v1'));
    for (let pair = 0; pair < PAIRS; pair += 1) {
      const [one, other] = pair % 2 === 0 ? ['v2', 'v3'] : ['v4', 'v5'];
      const steps = await Promise.all([
        host.release(host.inputs([program(one ?? ''), program(one ?? '')], [QUICK, QUICK])),
        host.release(reversed(host, program(other ?? ''))),
      ]);
      const log = steps.map((step) => step.log).join('\n');
      expect(
        steps.map(({ outputs }) => outputs.state),
        log,
      ).toEqual(['active', 'active']);
      const versions = await host.versions();
      expect(new Set(versions).size, `${versions}\n${log}`).toBe(1);
      expect([one, other]).toContain(versions[0]);
    }
    expect(host.leftovers()).toEqual([]);
  },
  60_000 + PAIRS * 30_000,
);

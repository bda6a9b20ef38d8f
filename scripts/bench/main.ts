import { writeFileSync } from 'node:fs';
import { benchBump } from './bump.ts';
import { benchDeploys } from './deploys.ts';
import { documentOf, goalsText, machineNow, type Part, partText } from './document.ts';
import { benchNothingToDo } from './nothing-to-do.ts';
import { benchRebuilds } from './rebuilds.ts';
import { benchSeveral } from './several.ts';
import { benchStarts } from './starts.ts';
import { benchTransports } from './transports.ts';
import { benchVerifies } from './verifies.ts';

/*
 * Needs root (throwaway sshds on loopback), scp, ssh, rsync, zstd and curl; cargo and go for the real programs.
 */
const PARTS: Record<string, (quick: boolean) => Part | Promise<Part>> = {
  rebuilds: async (quick) => {
    const { leftOut, ...measured } = await benchRebuilds(quick);
    return {
      title: 'A rebuild',
      about:
        'A real service with one line and one route changed. By hand: only the transfer, to a file next to it; deploy-binary: the whole deploy, with each `transfer`. On loopback, the median of three rounds. `MB sent` is everything sent to the target, SSH included.',
      ...measured,
      notes: [WHY_NOT_BELOW_SCP, ...leftOut.map((reason) => `Left out: ${reason}.`)],
    };
  },
  deploys: async (quick) => ({
    title: 'A first deploy',
    about:
      'A file that the target does not have yet, compared with copying it, and with the order stop, copy, start. `down` is what a client sees that sends a request every 2 ms.',
    ...(await benchDeploys(quick)),
  }),
  transports: async (quick) => ({
    title: 'Both clients over a bridge',
    about:
      'A target in a network namespace of this machine, behind a link like the bridge between two containers of one host. A first deploy and a rebuild (the new file differs by some bytes) by each client (`transport`), in turns with scp; the middle of three rounds. `runner CPU` has all of its processes.',
    ...(await benchTransports(quick)),
  }),
  'nothing-to-do': async () => ({
    title: 'Nothing to do',
    about:
      'A deploy of what already runs. A round trip is counted whenever the runner sends after the target did; those of the login alone are counted separately and subtracted.',
    ...(await benchNothingToDo()),
  }),
  starts: () => ({
    title: 'Start',
    about: 'The time to load a bundle with all its modules and inputs.',
    ...benchStarts(),
  }),
  several: async () => ({
    title: 'Several targets',
    about:
      'One file of 1 MB, `max-parallel` 16, each target 50 ms away. All of them share this machine with the runner: a bare login shows the cost of that.',
    ...(await benchSeveral()),
  }),
  verifies: async () => ({
    title: 'verify-deploy',
    about: 'Digest, a string, the process, its port and its health, for a file of 100 MB.',
    ...(await benchVerifies()),
  }),
  bump: bumpPart,
};

const WHY_NOT_BELOW_SCP =
  'On loopback a deploy sends what scp sends, and also starts Node.js, inspects the target, checks the file there by its digest and restarts the service. The CPU time of the runner for sending 99 MB (a profile of Node.js 20): 35 % writing to the socket, 18 % garbage collection of packets, 16 % reading the file, 13 % AES.';

/** Runs the parts named, or all; the whole of it is written to docs/PERFORMANCE.md. */
async function bench(words: readonly string[]): Promise<void> {
  const quick = words.includes('--quick');
  const asked = words.filter((word) => word !== '--quick');
  const whole = asked.length === 0 && !quick;
  const machine = machineNow();
  const parts: Part[] = [];
  for (const [name, measure] of Object.entries(PARTS)) {
    if (asked.length > 0 && !asked.includes(name)) continue;
    const part = await measure(quick);
    console.log(`${partText(part)}\n\n${goalsText([part])}\n`);
    parts.push(part);
    // After each, so that one which fails loses nothing of those before.
    if (whole) writeFileSync('docs/PERFORMANCE.md', documentOf(parts, machine));
  }
}

async function bumpPart(): Promise<Part> {
  const rows = await benchBump();
  const hand = (root: string) => rows.find((row) => row.root === root && row.way === 'by hand');
  return {
    title: 'submodule-bump',
    about:
      'One of 11 submodules moved over HTTP, compared with a clone of depth 1, `submodule update`, commit and push. Requests are those to the root repository.',
    rows: rows.map(({ root, way, seconds, bytesReceived, rootRequests }) => ({
      root,
      way,
      time: `${seconds.toFixed(2)} s`,
      'kB received': (bytesReceived / 1000).toFixed(1),
      requests: String(rootRequests),
      '× by hand': (seconds / (hand(root)?.seconds ?? seconds)).toFixed(2),
    })),
    goals: rows
      .filter(({ way }) => way !== 'by hand')
      .flatMap(({ root, seconds, bytesReceived }) => {
        const by = hand(root) ?? { seconds, bytesReceived };
        return [
          { what: `bump, ${root}, vs. by hand`, limit: 0.25, measured: seconds / by.seconds },
          { what: `bytes of that, vs. by hand`, limit: 0.05, measured: bytesReceived / by.bytesReceived },
        ];
      }),
  };
}

await bench(process.argv.slice(2));

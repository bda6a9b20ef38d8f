import type { ActionContext } from '../../lib/action/action.ts';
import { connect } from '../../lib/ssh/connect.ts';
import type { ConnectionInputs } from '../../lib/ssh/inputs.ts';
import { median, run } from './command.ts';
import { measure } from './measured.ts';
import { type Place, placeBehind, privateKey } from './place.ts';
import { paddedPair } from './programs.ts';
import { startFresh, stopServing } from './service.ts';
import { type Goal, type Row, times } from './table.ts';
import { deployBinary, ssh } from './ways.ts';

const ROUNDS = 9;

/** A deploy of what already runs, against a bare `ssh true`, in turns; and the round trips, with and without an upload. */
export async function benchNothingToDo(): Promise<{ rows: Row[]; goals: Goal[] }> {
  const rows: Row[] = [];
  const goals: Goal[] = [];
  for (const link of ['loopback', '100 Mbit/s, 50 ms']) {
    await using place = await placeBehind(link);
    const { one, two } = paddedPair('20 kB', 20e3);
    await startFresh(place, one);
    await run(deployBinary(place, one));
    const [ours, theirs, bare]: [number[], number[], number[]] = [[], [], []];
    const login = await turnsOfLogin(place);
    const turns: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const measured = await measure('deploy-binary', deployBinary(place, one), place);
      ours.push(measured.seconds);
      turns.push(measured.turns - login);
      theirs.push((await run({ words: ssh(place, 'true') })).seconds);
      bare.push((await run({ words: [process.execPath, '-e', '0'] })).seconds);
    }
    const uploads: number[] = [];
    for (const file of [two, one, two])
      uploads.push((await measure('deploy-binary', deployBinary(place, file), place)).turns - login);
    await stopServing(place);
    const [deploy, reference, node] = [ours, theirs, bare].map(median) as [number, number, number];
    rows.push({
      link,
      'ssh true': `${reference.toFixed(3)} s`,
      'node -e 0': `${node.toFixed(3)} s`,
      'deploy-binary': `${deploy.toFixed(3)} s`,
      '× ssh true': times(deploy, reference),
      'round trips after login': place.between ? String(fewest(turns)) : '',
      'with an upload': place.between ? String(fewest(uploads)) : '',
    });
    goals.push({ what: `no change, ${link}, vs. \`ssh true\``, limit: 1.3, measured: deploy / reference });
    if (place.between)
      goals.push(
        { what: 'round trips after login, nothing to upload', limit: 4, measured: fewest(turns), unit: '' },
        { what: 'round trips after login, with an upload', limit: 6, measured: fewest(uploads), unit: '' },
      );
  }
  return { rows, goals };
}

/** A target's progress and the closing of a session cross with what the runner says, and are counted now and then. */
const fewest = (turns: readonly number[]) => Math.min(...turns);

/** The round trips until the connection is there, by the very code of the action. */
async function turnsOfLogin(place: Place): Promise<number> {
  if (!place.between) return 0;
  const before = place.between.turns;
  const quiet = { line: () => {}, mask: () => {}, warning: () => {} };
  const context = { log: quiet, env: () => undefined, signal: new AbortController().signal };
  const inputs = {
    host: `root@127.0.0.1:${place.sshPort}`,
    'ssh-key': privateKey(place),
    'known-hosts': place.knownHosts,
    'connect-timeout-seconds': 15,
    'keepalive-seconds': 5,
    sudo: 'auto',
    transport: 'builtin',
  };
  await using _host = await connect(inputs as unknown as ConnectionInputs, context as unknown as ActionContext);
  return place.between.turns - before;
}

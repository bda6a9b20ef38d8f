import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { sshd } from '../../test/support/sshd.ts';

/** A target behind a link like the bridge between two containers of one host. */
export interface Bridge extends AsyncDisposable {
  address: string;
  sshPort: number;
  /** A folder that both ends have, because they share this machine's disk. */
  folder: string;
  key: string;
  keyFile: string;
  knownHosts: string;
}

const NAME = 'fdt-bench';
const ADDRESS = '10.78.93.2';

/** Makes a network namespace behind a link of so many Mbit/s, and starts sshd there. Needs root. */
export async function bridge(megabits: number): Promise<Bridge> {
  const ip = (...words: string[]) => execFileSync('ip', words, { stdio: 'pipe' });
  const inside = ['netns', 'exec', NAME];
  const limit = ['root', 'tbf', 'rate', `${megabits}mbit`, 'burst', '256kb', 'latency', '20ms'];
  const folder = mkdtempSync('/var/tmp/deploy-bench-');
  const remove = () => {
    ip('netns', 'del', NAME);
    rmSync(folder, { recursive: true, force: true });
  };
  // Of a benchmark that was killed.
  spawnSync('ip', ['netns', 'del', NAME], { stdio: 'ignore' });
  ip('netns', 'add', NAME);
  try {
    ip('link', 'add', `${NAME}0`, 'type', 'veth', 'peer', 'name', `${NAME}1`, 'netns', NAME);
    ip('address', 'add', ADDRESS.replace(/2$/, '1/24'), 'dev', `${NAME}0`);
    ip('link', 'set', `${NAME}0`, 'up');
    ip(...inside, 'ip', 'address', 'add', `${ADDRESS}/24`, 'dev', `${NAME}1`);
    ip(...inside, 'ip', 'link', 'set', `${NAME}1`, 'up');
    ip(...inside, 'ip', 'link', 'set', 'lo', 'up');
    execFileSync('tc', ['qdisc', 'add', 'dev', `${NAME}0`, ...limit], { stdio: 'pipe' });
    ip(...inside, 'tc', 'qdisc', 'add', 'dev', `${NAME}1`, ...limit);
    const server = await sshd({ config: 'SetEnv HOME=/nonexistent', address: ADDRESS, within: ['ip', ...inside] });
    writeFileSync(`${folder}/known_hosts`, `${server.knownHosts}\n`);
    return {
      address: ADDRESS,
      sshPort: server.port,
      folder,
      key: readFileSync(server.keyFile, 'utf8'),
      keyFile: server.keyFile,
      knownHosts: server.knownHosts,
      [Symbol.asyncDispose]: async () => {
        await server[Symbol.asyncDispose]();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

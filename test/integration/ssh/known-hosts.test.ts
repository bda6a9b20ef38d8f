import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { hashedName, judgeHostKey, lookupNames, parseKnownHosts } from '../../../lib/ssh/known-hosts.ts';
import { pick, type Random, randomOf } from '../../support/random.ts';
import { type Sshd, sshd } from '../../support/sshd.ts';

const COUNT = 220;
const AT_ONCE = 4;
const HOSTS = ['web.example', 'WEB.example', 'db', '10.1.2.3'];
const PORTS = [22, 22, 2222];

it(`${COUNT} generated known_hosts files are judged as ssh judges them`, async () => {
  await using server = await sshd({ hostKeyTypes: ['ed25519', 'rsa', 'ecdsa'] });
  // Whatever the name, it leads there.
  writeFileSync(
    `${server.folder}/connect.mjs`,
    `import { connect } from 'node:net'; const s = connect(${server.port}, '127.0.0.1'); process.stdin.pipe(s).pipe(process.stdout);`,
  );
  const keys = keysOf(server);
  const different: unknown[] = [];
  let accepted = 0;
  const seeds = Array.from({ length: COUNT }, (_, index) => index + 1);
  const worker = async () => {
    for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
      const random = randomOf(seed);
      const [host, port, offered] = [pick(random, HOSTS), pick(random, PORTS), pick(random, keys)];
      const text = Array.from({ length: 1 + Math.floor(random() * 4) }, () => line(random, keys, { host, port })).join(
        '\n',
      );
      const asked = await sshAccepts(server, { text, host, port, type: offered.type, seed });
      const names = lookupNames(host.toLowerCase(), port, undefined);
      const verdict = judgeHostKey(parseKnownHosts(text), names, offered.blob);
      // A key that is revoked under the name without the port is refused too, which ssh does not do.
      const stricter = verdict === 'revoked' && port !== 22;
      if (asked) accepted += 1;
      if (asked !== (verdict === 'known') && !stricter) different.push({ seed, host, port, asked, verdict, text });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  expect(different).toEqual([]);
  expect(accepted).toBeGreaterThan(COUNT * 0.2);
  expect(accepted).toBeLessThan(COUNT * 0.8);
}, 180_000);

interface Key {
  type: string;
  /** As a known_hosts line has it. */
  encoded: string;
  blob: Buffer;
}

/** Those of the server. */
function keysOf({ folder }: Sshd): Key[] {
  const read = (path: string): Key => {
    const [type = '', encoded = ''] = readFileSync(path, 'utf8').split(' ');
    return { type, encoded, blob: Buffer.from(encoded, 'base64') };
  };
  return ['ed25519', 'rsa', 'ecdsa'].map((type) => read(`${folder}/host_${type}.pub`));
}

/** Whether ssh trusts the one key that it is offered. */
async function sshAccepts(
  server: Sshd,
  { text, host, port, type, seed }: { text: string; host: string; port: number; type: string; seed: number },
): Promise<boolean> {
  const file = `${server.folder}/known-${seed}`;
  writeFileSync(file, text);
  const options = {
    BatchMode: 'yes',
    StrictHostKeyChecking: 'yes',
    UserKnownHostsFile: file,
    GlobalKnownHostsFile: '/dev/null',
    HostKeyAlgorithms: type === 'ssh-rsa' ? 'rsa-sha2-512' : type,
    ProxyCommand: `${process.execPath} ${server.folder}/connect.mjs`,
    IdentityFile: server.keyFile,
    IdentityAgent: 'none',
    UpdateHostKeys: 'no',
  };
  const words = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  return new Promise((resolve) => {
    execFile('ssh', ['-F', '/dev/null', ...words, '-p', `${port}`, `root@${host}`, 'true'], (error) => resolve(!error));
  });
}

function line(random: Random, keys: readonly Key[], at: { host: string; port: number }): string {
  const key = pick(random, keys);
  const chance = random();
  if (chance < 0.04)
    return pick(random, ['', '# a comment', 'web.example', '   ', `# ${at.host} ${key.type} ${key.encoded}`]);
  const marker = chance < 0.12 ? '@revoked ' : chance < 0.16 ? '@cert-authority ' : chance < 0.18 ? '@other ' : '';
  const type =
    random() < 0.12
      ? pick(random, ['ssh-rsa', 'ssh-ed25519', 'rsa-sha2-512', 'ecdsa-sha2-nistp256', 'nonsense'])
      : key.type;
  const damage = random();
  const encoded =
    damage < 0.03 ? key.encoded.slice(0, -8) : damage < 0.06 ? `${key.encoded.slice(0, 30)}!` : key.encoded;
  const between = pick(random, [' ', ' ', '\t', '  ']);
  const end = pick(random, ['', '', ' a comment', '\r', ' # x']);
  return `${pick(random, ['', '', ' ', '\t'])}${marker}${hostsOf(random, at)}${between}${type}${between}${encoded}${end}`;
}

function hostsOf(random: Random, { host, port }: { host: string; port: number }): string {
  const name = host.toLowerCase();
  const exact = port === 22 ? name : `[${name}]:${port}`;
  const salt = Buffer.from(Array.from({ length: 20 }, () => Math.floor(random() * 256)));
  return pick(random, [
    exact,
    exact,
    name,
    exact.toUpperCase(),
    `other,${exact}`,
    `*,!${exact}`,
    `${name.slice(0, 2)}*`,
    `[*]:${port}`,
    '*.example',
    '?b',
    '[web.example]:2222',
    `!${name},*`,
    `![${name}]:2222,*`,
    hashedName(exact, salt),
    hashedName(name, salt),
    hashedName('elsewhere', salt),
    `${hashedName(exact, salt).slice(0, -3)}AA=`,
    '|1|bad',
    'elsewhere',
  ]);
}

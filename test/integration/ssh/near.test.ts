import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { dryRun } from '../../support/login.ts';
import { proxy } from '../../support/proxy.ts';
import { otherServer } from '../../support/ssh-server.ts';
import { sshd } from '../../support/sshd.ts';

describe.each(['builtin', 'openssh'])('with the client %s', (transport) => {
  const deploy = { transport, restart: 'none', 'dry-run': 'false', source: '/bin/bash' };

  it('a target is not taken for a distant one because its machine opens sessions slowly', async () => {
    await using server = await otherServer({ software: 'OpenSSH_9.9', accepts: () => true, sessionMs: 400 });
    await using keys = await sshd();
    const inputs = { ...deploy, destination: `${keys.folder}/program` };
    const { log } = await dryRun({ ...server, key: keys.key }, inputs);
    // A machine that runs all tests at once answers late itself; but not as late as the sessions of this server.
    const [, roundTripMs = '0'] = /assumed from a round trip of (\d+) ms/.exec(log) ?? [];
    if (!log.includes('plain, because the target is this machine')) expect(Number(roundTripMs)).toBeGreaterThan(0);
    expect(Number(roundTripMs)).toBeLessThan(100);
    expect(log).toContain('state     active');
    rmSync(`${keys.folder}/.program.deploy`, { recursive: true, force: true });
  });

  it('a target behind the end of a tunnel on this machine is not', async () => {
    await using server = await sshd();
    await using tunnel = await proxy(server.port, { delayMs: 25 });
    const { log } = await dryRun(server, {
      ...deploy,
      host: `root@127.0.0.1:${tunnel.port}`,
      'known-hosts': server.knownHosts.replace(`:${server.port}`, `:${tunnel.port}`),
      destination: `${server.folder}/program`,
    });
    expect(log).not.toContain('because the target is this machine');
    expect(log).toContain('state     active');
  });
});

import { describe, expect, it } from 'vitest';
import { dryRun, failureOf } from '../../support/login.ts';
import { otherSsh } from '../../support/other-ssh.ts';
import { program } from '../../support/programs.ts';
import { sshd } from '../../support/sshd.ts';
import { target } from '../../support/target.ts';

describe.each([
  ['8.4', 'bullseye'],
  ['10.0', 'trixie'],
] as const)('OpenSSH %s, of Debian %s', (version, release) => {
  const path = otherSsh(release);
  const env = { PATH: path ?? '' };

  it.skipIf(path === undefined)('deploys', async () => {
    await using host = await target();
    await host.startByHand(program('v1'));
    const { log, outputs } = await host.startDeploy({ transport: 'openssh', source: program('v2') }, env).ended;
    expect(log).toContain(`Connecting with the runner's OpenSSH ${version}, because`);
    expect(outputs.state, log).toBe('active');
    expect(await host.health()).toMatchObject({ version: 'v2' });
  });

  it.skipIf(path === undefined)('goes through a jump host, and reports what stands in the way', async () => {
    await using jump = await sshd();
    await using server = await sshd();
    const inputs = {
      transport: 'openssh',
      'ssh-key': `${jump.key}\n${server.key}`,
      'proxy-jump': `root@127.0.0.1:${jump.port}`,
      'known-hosts': `${jump.knownHosts}\n${server.knownHosts}`,
    };
    expect((await dryRun(server, inputs, env)).log).toContain('dry-run is set');
    expect(failureOf(await dryRun(server, { ...inputs, 'known-hosts': jump.knownHosts }, env))).toContain(
      'why:    its host key is unknown: it offers ssh-ed25519 SHA256:',
    );
    expect(failureOf(await dryRun(server, { ...inputs, 'ssh-key': jump.key }, env))).toContain(
      'why:    the server accepts none of the keys offered for root: ssh-key.',
    );
  });
});

import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { step } from '../../support/action.ts';
import { doorAt } from '../../support/door.ts';
import { program } from '../../support/programs.ts';
import { shell, target } from '../../support/target.ts';

it.each(['GNU', 'busybox'])(
  'root opens no link that replaces the file at the last moment, with dd of %s',
  async (kind) => {
    const shims = mkdtempSync('/opt/fdt-shims-');
    const enter = `mount --bind ${shims} /usr/local/sbin && exec "$@"`;
    await using host = await target({ within: ['unshare', '-m', '/bin/sh', '-c', enter, 'sh'] });
    const shim = (name: string, lines: string) =>
      writeFileSync(`${shims}/${name}`, `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
    if (kind === 'busybox') shim('dd', 'exec busybox dd "$@"');
    const canary = mkdtempSync('/opt/fdt-canary-');
    shell(`chmod 755 ${canary} ${shims}`);
    using door = doorAt(`${canary}/door`);
    await host.startByHand(program('v1'));
    // What the account does in a loop comes at the worst moment here: between the questions about the file and its bytes.
    const { destination } = host;
    shim(
      'getcap',
      `[ -L ${destination} ] || { mv ${destination} ${destination}.kept; ln -s ${canary}/door ${destination}; }`,
    );
    const connection = { host: host.usual.host, 'ssh-key': host.sshd.key, 'known-hosts': host.sshd.knownHosts };
    const inspections = [
      () => host.deploy({ source: program('v2'), 'dry-run': true }),
      () =>
        step('verify-deploy', {
          inputs: { ...connection, path: destination, source: program('v1'), strings: 'v1', 'absent-strings': 'v9' },
        }),
    ];
    for (const inspect of inspections) {
      const { log } = await inspect();
      expect(door.opened(), log).toBe(0);
      // The moment was hit.
      renameSync(`${destination}.kept`, destination);
    }
    for (const folder of [canary, shims]) rmSync(folder, { recursive: true });
  },
);

it.each(['staged', 'in-place'])(
  'a file that its owner rewrites before it is started is not taken for the new version, %s',
  async (strategy) => {
    const shims = mkdtempSync('/opt/fdt-shims-');
    const enter = `mount --bind ${shims} /usr/local/sbin && exec "$@"`;
    await using host = await target({ within: ['unshare', '-m', '/bin/sh', '-c', enter, 'sh'] });
    shell(`chmod 755 ${shims}; cp ${program('payload')} ${shims}/payload`);
    await host.startByHand(program('v1'));
    // The last moment before the start, in which the file is not executed yet.
    const rewrite = `[ "$(tail -n 1 journal)" != phase=start ] || cat ${shims}/payload >../botserver`;
    writeFileSync(`${shims}/sync`, `#!/bin/sh\n[ "$1" != journal ] || { ${rewrite}; }\nexec /usr/bin/sync "$@"\n`, {
      mode: 0o755,
    });
    const step = await host.deploy({ source: program('v2'), strategy });
    expect(step.outputs.state, step.log).toBe('rolled-back');
    expect(step.log).toContain(`the bytes of ${host.destination} were changed after it was put there`);
    expect(await host.health()).toMatchObject({ version: 'v1' });
    rmSync(shims, { recursive: true });
  },
);

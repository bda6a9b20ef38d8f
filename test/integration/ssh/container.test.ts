import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { account } from '../../support/accounts.ts';
import { step } from '../../support/action.ts';
import { program } from '../../support/programs.ts';
import { type Sshd, sshd } from '../../support/sshd.ts';
import { shell, textOf } from '../../support/target.ts';

interface Client extends Disposable {
  folder: string;
  /** The words of every call so far, `UID WORDS…` per line. */
  calls(): string[];
}

/** A client that notes how it is called; what it would run in the container it runs where it is. */
function client(): Client {
  const folder = mkdtempSync('/opt/fdt-incus-');
  const lines = [
    '#!/bin/sh',
    `words=; for word; do [ "$word" != -- ] || break; words="$words $word"; done; echo "$(id -u)$words" >>${folder}/calls`,
    'while [ "$1" != -- ]; do shift; done; shift; exec "$@"',
  ];
  shell(`mkdir ${folder}/bin ${folder}/state; chmod 755 ${folder}; touch ${folder}/calls; chmod 666 ${folder}/calls`);
  writeFileSync(`${folder}/bin/incus`, `${lines.join('\n')}\n`, { mode: 0o755 });
  return {
    folder,
    calls: () => [...new Set(textOf(`${folder}/calls`).trim().split('\n'))],
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

/** A host that has that client, and the sockets of its daemon in the folder `state`. */
function hostWith({ folder }: Client): Promise<Sshd> {
  const mount = `mount --bind ${folder}/bin /usr/local/bin && exec "$@"`;
  const config = `SetEnv INCUS_DIR=${folder}/state`;
  return sshd({ config, within: ['unshare', '-m', '/bin/sh', '-c', mount, 'sh'] });
}

function verify(host: Sshd, inputs: Record<string, string>) {
  return step('verify-deploy', {
    inputs: {
      host: `root@127.0.0.1:${host.port}`,
      'ssh-key': host.key,
      'known-hosts': host.knownHosts,
      path: program('v1'),
      source: program('v1'),
      running: 'any',
      ...inputs,
    },
  });
}

it.each([
  ['incus:web', '0 exec -T web'],
  ['incus:prod/web', '0 exec --project prod -T web'],
  ['incus:far:web', '0 exec -T far:web'],
  ['incus:far:prod/web', '0 exec --project prod -T far:web'],
])('%s is entered by the words that the client takes for remote and project', async (container, words) => {
  using incus = client();
  await using host = await hostWith(incus);
  const { log, outputs } = await verify(host, { container });
  expect(outputs.verified, log).toBe('true');
  expect(log).toContain(`root@127.0.0.1:${host.port}/${container}`);
  expect(incus.calls()).toEqual([words]);
});

describe('an account that is not root', () => {
  it('enters with the line of sudoers that the refusal gave, and without sudo where a socket is open to it', async () => {
    using incus = client();
    using deployer = account();
    await using host = await hostWith(incus);
    writeFileSync(`${incus.folder}/state/unix.socket`, '', { mode: 0o600 });
    const inputs = { host: `${deployer.name}@127.0.0.1:${host.port}`, container: 'incus:prod/web' };
    const refused = await verify(host, inputs);
    expect(incus.calls()).toEqual(['']);
    const [, line = ''] = /or add to sudoers \(visudo\): (.*?)\.$/m.exec(refused.log) ?? [];
    writeFileSync(`/etc/sudoers.d/${deployer.name}`, `${line}\n`, { mode: 0o440 });
    const allowed = await verify(host, inputs);
    expect(allowed.outputs.verified, `${refused.log}${allowed.log}`).toBe('true');
    writeFileSync(`${incus.folder}/state/unix.socket.user`, '', { mode: 0o666 });
    shell(`chmod 666 ${incus.folder}/state/unix.socket.user`);
    await verify(host, inputs);
    expect(incus.calls()).toEqual(['0 exec --project prod -T web', `${deployer.uid} exec --project prod -T web`]);
  });

  it('uses its own client for a server elsewhere, whatever the daemon of the host allows', async () => {
    using incus = client();
    using deployer = account();
    await using host = await hostWith(incus);
    writeFileSync(`${incus.folder}/state/unix.socket`, '', { mode: 0o600 });
    await verify(host, { host: `${deployer.name}@127.0.0.1:${host.port}`, container: 'incus:far:web' });
    expect(incus.calls()).toEqual([`${deployer.uid} exec -T far:web`]);
  });
});

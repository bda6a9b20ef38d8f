import { spawn } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type Account, account } from '../../support/accounts.ts';
import { step } from '../../support/action.ts';
import { program, sha256 } from '../../support/programs.ts';
import { shell, target } from '../../support/target.ts';

/** A process of an account, which ends with the scope. */
function processOf({ uid }: Account, command: string, ...words: string[]) {
  const child = spawn(command, words, { stdio: 'ignore', uid, gid: uid, cwd: '/' });
  return { pid: child.pid ?? 0, [Symbol.dispose]: () => void child.kill('SIGKILL') };
}

it('is not made green by another account that runs the file', async () => {
  await using host = await target();
  using mallory = account();
  copyFileSync(program('v1'), host.destination);
  chownSync(host.destination, host.service.uid, host.service.uid);
  chmodSync(host.destination, 0o755);
  using stranger = processOf(mallory, host.destination, '--port', String(host.port));
  await sleep(200);
  const { host: where, 'ssh-key': key, 'known-hosts': known } = host.usual;
  const inputs = {
    host: where,
    'ssh-key': key,
    'known-hosts': known,
    path: host.destination,
    sha256: sha256(program('v1')),
  };
  const { outputs, log } = await step('verify-deploy', { inputs });
  expect(outputs.failed, log).toBe('running');
  expect(log).toContain(`only pid ${stranger.pid} (${mallory.name}), which is neither its owner nor root`);
  expect((await step('verify-deploy', { inputs: { ...inputs, 'run-as': mallory.name } })).outputs.verified).toBe(
    'true',
  );
});

it('concludes nothing from processes that /proc hides', async () => {
  const hiding = 'mount -t proc -o hidepid=2 proc /proc && exec "$@"';
  await using host = await target({
    within: ['unshare', '-m', '--propagation', 'slave', '/bin/sh', '-c', hiding, 'sh'],
  });
  using other = account();
  await host.startByHand(program('v1'));
  shell(`chmod 755 ${host.folder}`);
  const inputs = {
    host: `${other.name}@127.0.0.1:${host.sshd.port}`,
    'ssh-key': host.usual['ssh-key'],
    'known-hosts': host.usual['known-hosts'],
    path: host.destination,
    running: 'no',
  };
  const { outputs, log } = await step('verify-deploy', { inputs });
  expect(outputs.verified, log).toBe('false');
  expect(log).toContain('processes of other accounts are hidden (hidepid)');
});

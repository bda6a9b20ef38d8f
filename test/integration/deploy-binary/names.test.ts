import { chownSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { account, renamed } from '../../support/accounts.ts';
import { step } from '../../support/action.ts';
import { program } from '../../support/programs.ts';
import { shell, target } from '../../support/target.ts';

it('a program runs as `CORP\\svc app`, deployed by `ada@corp.example`, and verified', async () => {
  await using host = await target();
  using app = account();
  using ada = account();
  const [runAs, user] = [`CORP\\svc app.${app.name}`, `ada@corp.example.${ada.name}`];
  using _app = renamed(app, runAs);
  using _ada = renamed(ada, user);
  writeFileSync(`/etc/sudoers.d/${ada.name}`, `#${ada.uid} ALL=(root) NOPASSWD: /bin/sh\n`, { mode: 0o440 });
  for (const path of [host.folder, host.folder.replace(/bin$/, 'logs')]) chownSync(path, app.uid, app.uid);
  const as = { host: '127.0.0.1', port: host.sshd.port, user };
  const inputs = { ...as, owner: `${runAs}:${runAs}`, 'run-as': runAs };
  const first = await host.deploy({ ...inputs, source: program('v1') });
  expect(first.outputs.state, first.log).toBe('active');
  expect(await host.health()).toMatchObject({ version: 'v1', uid: app.uid });
  expect(shell(`stat -c %u:%g ${host.destination}`)).toBe(`${app.uid}:${app.uid}\n`);
  expect((await host.deploy({ ...inputs, source: program('v1') })).outputs.state).toBe('unchanged');
  const bad = await host.deploy({ ...as, source: program('bad', 'exits at once') });
  expect(bad.outputs.state, bad.log).toBe('rolled-back');
  expect(bad.log).toContain('output: | ');
  expect(await host.health()).toMatchObject({ version: 'v1', uid: app.uid });
  const proof = await step('verify-deploy', {
    inputs: {
      ...as,
      'ssh-key': host.sshd.key,
      'known-hosts': host.sshd.knownHosts,
      path: host.destination,
      source: program('v1'),
      owner: `${runAs}:${runAs}`,
      'run-as': runAs,
      'log-file': host.logFile,
      'log-absent-strings': 'panic',
    },
  });
  expect(proof.outputs.verified, proof.log).toBe('true');
});

it('a name that does not exist is shown as it was written, and one that no account can have is refused', async () => {
  await using host = await target();
  const absent = await host.deploy({ source: program('v1'), owner: 'CORP\\nobody here:domain users.*' });
  expect(absent.log).toContain('there is no user CORP\\nobody here on the target.');
  expect(absent.log).toContain('there is no group domain users.* on the target.');
  const { log } = await host.deploy({ source: program('v1'), owner: 'a:b:c' });
  expect(log).toContain("expected user, user:group or numbers, got 'a:b:c'");
});

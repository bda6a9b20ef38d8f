import { afterAll, beforeAll, expect, test } from 'vitest';
import { program } from '../../support/programs.ts';
import { answers, FILE, service, type UnitHost, unitHost } from '../../support/units.ts';

let host: UnitHost;
beforeAll(async () => {
  host = await unitHost();
  await host.system.sh('mkdir -p ~app/.ssh; cp /root/.ssh/authorized_keys ~app/.ssh/; chown -R app:app ~app/.ssh');
});
afterAll(() => host[Symbol.asyncDispose]());

test('an account that may only stop and start its unit deploys with the lines and the commands of the refusal', async () => {
  await host.world({ 'app.service': service('Restart=always') });
  await host.systemctl('start app');
  await answers(host);
  const as = { user: 'app' };
  const refused = await host.deploy(program('v2'), as);
  expect(refused.outputs.state, refused.log).toBe('untouched');
  const [, line, stop, start] =
    /no more than a restart of the unit, add to sudoers \(visudo\): (.*?); then set restart: command, stop-command: (.*?), start-command: (.*?)\.$/m.exec(
      refused.log,
    ) ?? [];
  const inputs = { ...as, restart: 'command', 'stop-command': stop, 'start-command': start };
  const closed = await host.deploy(program('v2'), inputs);
  expect(closed.outputs.state, refused.log + closed.log).toBe('untouched');
  expect(closed.log).toContain('may not run `/usr/bin/systemctl stop app.service` by sudo.');
  await host.system.sh(
    `printf '%s\\n' '${line}' >/etc/sudoers.d/app; chmod 440 /etc/sudoers.d/app; visudo -c >/dev/null`,
  );
  const good = await host.deploy(program('v2'), inputs);
  expect(good.outputs.state, good.log).toBe('active');
  expect(await host.version()).toBe('v2');
  const bad = await host.deploy(program('bad', 'exits at once'), inputs);
  expect(bad.outputs.state, bad.log).toBe('rolled-back');
  expect(await host.version()).toBe('v2');
  expect(await host.states('app.service')).toEqual({ 'app.service': 'active' });
  expect((await host.system.sh(`stat -c %U ${FILE}; sudo -l -U app`)).includes('/bin/sh')).toBe(false);
});
